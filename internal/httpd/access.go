package httpd

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicelive/sluice"
)

// requestID is the header that carries a request's id: in the answer for the
// person who asks what went wrong, and in the request for handlers to log.
const requestID = "X-Request-Id"

// identify gives each request an id of ours; one that the client sent is not
// taken, so that no client can write into the log. It also settles whose request it
// is, for all that follow.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = s.Trusted.Settle(r)
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

// statusLeft stands in the log for an answer that its client did not wait for; it
// is never sent. nginx made the number known.
const statusLeft = 499

// logAccess writes a line for each request when it is over: at level debug for
// media, of which players load several files a second.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &countedWriter{ResponseWriter: w, status: http.StatusOK, closes: r.ProtoMajor == 1, entry: entry{
			// Handlers may change the request.
			log: s.Log, method: r.Method, path: r.URL.Path, request: r.Header.Get(requestID), addr: r.RemoteAddr, begun: time.Now(),
		}}
		// Media and event streams move the deadline with every write of theirs.
		_ = http.NewResponseController(w).SetWriteDeadline(counted.entry.begun.Add(writeTimeout))
		defer func(ctx context.Context) {
			if counted.takenOver {
				return // the line is written when the connection is closed
			}
			status := counted.status
			if ctx.Err() != nil && !s.stopping.Load() && (!counted.begun || status >= http.StatusInternalServerError) {
				status = statusLeft
			}
			counted.entry.write(ctx, status, counted.bytes)
		}(r.Context())
		next.ServeHTTP(counted, r)
	})
}

// entry is what the log says of a request.
type entry struct {
	log           *slog.Logger
	method, path  string
	request, addr string
	begun         time.Time
}

func (e *entry) write(ctx context.Context, status int, bytes int64) {
	level := slog.LevelInfo
	if isMedia(e.path) {
		level = slog.LevelDebug
	}
	if !e.log.Enabled(ctx, level) {
		return // players ask often: what nobody reads is not put together
	}
	e.log.Log(ctx, level, "request",
		"method", e.method, "path", redact(e.path), "status", status, "bytes", bytes,
		"duration", time.Since(e.begun), "request", e.request, "addr", e.addr)
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

// maxLogged is how much of a path the log shows, in bytes.
const maxLogged = 200

// keyShape is what keys look like: application keys, and tokens (RFC 7519) whose
// header is an object in base64.
var keyShape = regexp.MustCompile(`(?i:` + sluice.KeyPrefix + `_)[^/]|eyJ[\w-]*\.[\w-]`)

// redact takes keys out of a path: whatever stands where an event key belongs,
// which some clients fill with their application key, and what looks like a key
// wherever it stands. A long path is cut.
func redact(path string) string {
	parts := strings.Split(path, "/")
	keysFollow := false
	for i, part := range parts {
		if part != "" && (keysFollow || keyShape.MatchString(part)) {
			parts[i] = "[redacted]"
		}
		keysFollow = keysFollow || part == "events" || part == "stats"
	}
	path = strings.Join(parts, "/")
	if len(path) > maxLogged {
		return strings.ToValidUTF8(path[:maxLogged], "") + "…"
	}
	return path
}

// countedWriter knows what was answered.
type countedWriter struct {
	http.ResponseWriter
	status    int
	bytes     int64
	begun     bool
	body      *arrivingBody // of the request; nil when it has none
	takenOver bool          // the connection is the handler's now
	closes    bool          // a request can end the connection: it is none of HTTP/2
	entry     entry
}

// WriteHeader implements http.ResponseWriter.
func (w *countedWriter) WriteHeader(code int) {
	if !w.begun && code >= http.StatusOK { // 1xx are not the answer yet
		w.status = code
		w.begin()
	}
	w.ResponseWriter.WriteHeader(code)
}

// begin is called once, before the head of the answer is sent.
func (w *countedWriter) begin() {
	w.begun = true
	if w.body != nil {
		w.body.refuseRest(w.Header())
	}
	if w.status == http.StatusTooManyRequests && w.closes {
		w.Header().Set("Connection", "close") // its place is for those who are within their share
	}
}

func (w *countedWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begin()
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack implements http.Hijacker: the handler takes the connection over, and the
// request is over when it is closed.
func (w *countedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.takenOver = true
	return &loggedConn{Conn: conn, entry: w.entry}, buffered, nil
}

// loggedConn is a connection that a handler took over, and that is logged as its
// request when it ends.
type loggedConn struct {
	net.Conn
	bytes atomic.Int64
	once  sync.Once
	entry entry
}

func (c *loggedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (c *loggedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.entry.write(context.Background(), http.StatusOK, c.bytes.Load()) })
	return err
}
