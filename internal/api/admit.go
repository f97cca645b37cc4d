package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluicelive/sluice"
)

// call is what a handler knows of its request besides the input.
type call struct {
	account sluice.AccountID // whose key it carries; AnyAccount on calls without one
	base    string           // what the addresses in the answer begin with
	request string           // the request's id, for the log
}

type callKey struct{}

// admit stands before every operation: it asks for the key where the operation
// is declared to need one, and only then reads the body.
func (a *API) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	c := call{base: a.base(ctx), request: r.Header.Get("X-Request-Id")}
	op := ctx.Operation()
	account, err := a.keys.account(ctx.Context(), ctx.Header("Authorization"))
	c.account = account // a key says whose slugs are meant, also where none is needed
	if len(op.Security) > 0 {
		if err != nil {
			f := newFailure(op, err)
			a.report(ctx.Context(), f, c, op, err)
			writeFailure(w, f)
			return
		}
	}
	if err := readBody(w, r); err != nil {
		writeFailure(w, newFailure(op, err))
		return
	}
	next(huma.WithValue(ctx, callKey{}, c))
}

// base is the start of every address in an answer. Forwarded headers are not
// believed, since anybody can send them: behind a proxy, set the public URL.
func (a *API) base(ctx huma.Context) string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	if ctx.TLS() != nil {
		return "https://" + ctx.Host()
	}
	a.proxied.warn(ctx, a.Log)
	return "http://" + ctx.Host()
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}
