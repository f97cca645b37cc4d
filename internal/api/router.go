package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// router is the one way to a route, whether huma serves it or not. Each is
// declared with what it needs before it is registered, and is guarded by that.
type router struct {
	mux   *http.ServeMux
	table map[string]declared // by pattern
	guard func(declared, http.HandlerFunc) http.HandlerFunc
}

// declared is what a route was registered with.
type declared struct {
	pattern string
	needs   access
	isList  bool // its errors carry meta
}

func newRouter(guard func(declared, http.HandlerFunc) http.HandlerFunc) *router {
	return &router{mux: http.NewServeMux(), table: map[string]declared{}, guard: guard}
}

// declare says what a route needs. A route that needs nothing is declared
// public; one that says neither does not start the server.
func (r *router) declare(d declared) {
	if d.needs != public && !slices.Contains(scopes(), d.needs) {
		panic(fmt.Sprintf("route %q needs neither a scope nor is it public", d.pattern))
	}
	r.table[d.pattern] = d
}

// HandleFunc registers a declared route. huma calls it for its operations.
func (r *router) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	d, ok := r.table[pattern]
	if !ok {
		panic(fmt.Sprintf("route %q was not declared: say what it needs", pattern))
	}
	r.mux.HandleFunc(pattern, r.guard(d, handler))
}

// handle registers a route that huma does not serve.
func (r *router) handle(needs access, pattern string, handler http.HandlerFunc) {
	r.declare(declared{pattern: pattern, needs: needs})
	r.HandleFunc(pattern, handler)
}

// ServeHTTP implements http.Handler.
func (r *router) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// add registers an operation: it gives the handler its call, and is the one
// place that turns a handler's error into an answer and a line in the log.
func add[I, O any](a *API, needs access, op huma.Operation, handle func(context.Context, call, *I) (*O, error)) {
	op.MaxBodyBytes, op.BodyReadTimeout = -1, -1 // readBody sees to the length, the listener to the time
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Responses["default"] = failureResponse(a.huma.OpenAPI())
	if needs != public {
		op.Security = []map[string][]string{{"applicationKey": {}}}
	}
	a.routes.declare(declared{
		pattern: op.Method + " " + op.Path, needs: needs, isList: op.Metadata[metaIsList] != nil,
	})
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		out, err := handle(ctx, c, in)
		if err != nil {
			f := newFailure(&op, err)
			a.report(ctx, f, c, op.OperationID, err)
			return nil, f
		}
		return out, nil
	})
}
