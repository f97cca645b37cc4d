package api

import (
	"fmt"
	"net/http"
	"path"
	"runtime/debug"
	"strings"

	"github.com/sluicelive/sluice"
)

var errNoRoute = sluice.Errorf(sluice.KindNotFound, "route_not_found",
	"there is no such address in this API; /docs lists those there are")

// trimSlash takes one slash off the end of a path, so that both forms of an
// address work without a redirect, which a CORS preflight would not survive. It
// reports false for a path that is not clean, which http.ServeMux would
// redirect, too.
func trimSlash(r *http.Request) bool {
	r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	r.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, "/")
	return path.Clean(r.URL.Path) == r.URL.Path
}

// noRoute answers what no operation matches: 405 where another method would
// have matched, and 404 elsewhere.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	allowed := a.methodsOf(r)
	if len(allowed) == 0 {
		writeFailure(w, newFailure(nil, errNoRoute))
		return
	}
	w.Header().Set("Allow", strings.Join(append(allowed, http.MethodOptions), ", "))
	writeFailure(w, &failure{
		Code:    http.StatusMethodNotAllowed,
		Message: fmt.Sprintf("%s is not allowed here; use %s", r.Method, strings.Join(allowed, " or ")),
		Reason:  "method_not_allowed",
	})
}

// methodsOf asks the routes which methods they know for the path.
func (a *API) methodsOf(r *http.Request) []string {
	var allowed []string
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.routes.mux.Handler(probe); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return allowed
}

// recoverPanic answers 500 for a handler that panicked, and the server goes on.
// An answer that had begun is cut off, so that it cannot pass for a whole one.
func (a *API) recoverPanic(w *trackedWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
		panic(cause)
	}
	err := fmt.Errorf("panic: %v", cause)
	a.Log.Error("handler panicked", "request", r.Header.Get("X-Request-Id"), "err", err, "stack", string(debug.Stack()))
	if w.wrote {
		panic(http.ErrAbortHandler)
	}
	writeFailure(w, newFailure(nil, err))
}

// trackedWriter knows whether an answer has begun.
type trackedWriter struct {
	http.ResponseWriter
	wrote bool
}

// WriteHeader implements http.ResponseWriter.
func (w *trackedWriter) WriteHeader(code int) {
	w.wrote = true
	w.ResponseWriter.WriteHeader(code)
}

func (w *trackedWriter) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *trackedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
