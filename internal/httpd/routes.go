package httpd

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// route chooses by the start of the path. It is no http.ServeMux, which would
// redirect a path that is not clean: whoever answers decides about that.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case !strings.HasPrefix(r.RequestURI, "/"):
		// Forms for proxies (RFC 9112, section 3.2.2), which could name another host
		// in an address that we send on.
		answer(w, http.StatusBadRequest, "the request target has to begin with a slash")
	case path == "/healthz":
		answer(w, http.StatusOK, "alive")
	case path == "/readyz":
		s.ready(w, r)
	case path == "/v1" || strings.HasPrefix(path, "/v1/") || path == "/openapi.json":
		s.API.ServeHTTP(w, r)
	case isMedia(path):
		s.Origin.ServeHTTP(w, r)
	default:
		s.UI.ServeHTTP(w, r)
	}
}

// isMedia tells the paths that players load, many times a second.
func isMedia(path string) bool {
	return strings.HasPrefix(path, "/streams/") || path == "/time"
}

// ready says whether new work may be sent here.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if s.stopping.Load() {
		answer(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			s.reportNotReady(r.Context(), err)
			answer(w, http.StatusServiceUnavailable, "not ready")
			return
		}
	}
	answer(w, http.StatusOK, "ready")
}

// reportNotReady logs why, once a second at most: anybody may ask. Who has left
// found nothing out, and the reason is only that they left.
func (s *Server) reportNotReady(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	s.notReady.Lock()
	unsaid, due := s.notReady.pace.Due(time.Now())
	s.notReady.Unlock()
	if due {
		s.Log.Warn("not ready", "err", err, "moreSince", unsaid)
	}
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // a client that is gone needs no answer
}
