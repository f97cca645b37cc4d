package httpd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/sluicelive/sluice"
)

// requestID is the header that carries a request's id: in the answer for the
// person who asks what went wrong, and in the request for handlers to log.
const requestID = "X-Request-Id"

// identify gives each request an id of ours; one that the client sent is not
// taken, so that nobody can write into the log.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := s.nextID()
		r.Header.Set(requestID, id)
		w.Header().Set(requestID, id)
		next.ServeHTTP(w, r)
	})
}

// nextID is unique among all requests of all starts of the server. It is no
// secret, so it is not drawn anew for each.
func (s *Server) nextID() string {
	return s.idPrefix + strconv.FormatUint(s.requests.Add(1), 36)
}

// logAccess writes a line for each request when it is over: at level debug for
// media, of which players load several files a second.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		method, path := r.Method, r.URL.Path // handlers may change the request
		counted := &countedWriter{ResponseWriter: w, status: http.StatusOK}
		level := slog.LevelInfo
		if isMedia(path) {
			level = slog.LevelDebug
		}
		// Media and event streams move the deadline with every write of theirs.
		_ = http.NewResponseController(w).SetWriteDeadline(begun.Add(writeTimeout))
		defer func(ctx context.Context) {
			if !s.Log.Enabled(ctx, level) {
				return // players ask often: what nobody reads is not put together
			}
			s.Log.Log(ctx, level, "request",
				"method", method, "path", redact(path), "status", counted.status, "bytes", counted.bytes,
				"duration", time.Since(begun), "request", r.Header.Get(requestID), "addr", r.RemoteAddr)
		}(r.Context())
		next.ServeHTTP(counted, r)
	})
}

// recoverPanic keeps a fault in one handler from closing its connection without
// an answer or a word in the log.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause != http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
				s.Log.Error("handler panicked", "request", r.Header.Get(requestID),
					"err", fmt.Sprint(cause), "stack", string(debug.Stack()))
			}
			if counted, ok := w.(*countedWriter); ok && !counted.begun && cause != http.ErrAbortHandler { //nolint:errorlint // as above
				http.Error(w, "something failed in the server", http.StatusInternalServerError)
				return
			}
			panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
		}()
		next.ServeHTTP(w, r)
	})
}

// redact takes keys out of a path: whatever stands where an event key belongs,
// which some clients fill with their application key, and application keys
// anywhere.
func redact(path string) string {
	parts := strings.Split(path, "/")
	keysFollow := false
	for i, part := range parts {
		if part != "" && (keysFollow || strings.Contains(part, sluice.KeyPrefix+"_")) {
			parts[i] = "[redacted]"
		}
		keysFollow = keysFollow || part == "events" || part == "stats"
	}
	return strings.Join(parts, "/")
}

// countedWriter knows what was answered.
type countedWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
	begun  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *countedWriter) WriteHeader(code int) {
	if !w.begun && code >= http.StatusOK { // 1xx are not the answer yet
		w.status, w.begun = code, true
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *countedWriter) Write(p []byte) (int, error) {
	w.begun = true
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
