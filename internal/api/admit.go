package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluicelive/sluice/internal/clientaddr"
)

// call is what a handler knows of its request besides the input.
type call struct {
	principal principal
	base      string // what the addresses in the answer begin with
	request   string // the request's id, for the log
}

type callKey struct{}

// guard stands before every route: it finds out who calls, and refuses who may
// not. A key says whose slugs are meant, also where none is needed.
func (a *API) guard(d declared, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := call{base: a.base(r), request: r.Header.Get("X-Request-Id")}
		found, err := a.keys.principal(r)
		if err == nil {
			c.principal = found
		}
		if !c.principal.may(d.needs) {
			if err == nil {
				err = errScope
			}
			f := newFailure(nil, err)
			if d.isList {
				f.Meta = &pageMeta{}
			}
			a.report(r.Context(), f, c, d.pattern, err)
			writeFailure(w, f)
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	}
}

// admit stands before every operation, behind guard: only who may call has the
// body read.
func (a *API) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if err := readBody(r); err != nil {
		writeFailure(w, newFailure(ctx.Operation(), err))
		return
	}
	next(ctx)
}

// base is the start of every address in an answer. Of forwarded headers only the
// protocol is believed, and only from a trusted proxy: behind another one, set the
// public URL. The Host is not believed either where the server knows its names: an
// answer that a cache keeps must not lead its readers to a stranger.
func (a *API) base(r *http.Request) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	host := r.Host
	if a.Host != nil {
		host = a.Host(host)
	}
	if clientaddr.Secure(r) {
		return "https://" + host
	}
	a.proxied.warn(r, a.Log)
	return "http://" + host
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}
