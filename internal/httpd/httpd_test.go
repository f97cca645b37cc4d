package httpd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice/internal/clientaddr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// named answers with its name, so that a test sees who was asked.
type named string

func (n named) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, string(n)) }

// lockedBuffer is a log that requests write to while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

func newServer(cfg Config) (*Server, *lockedBuffer) {
	log := &lockedBuffer{}
	cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, h := range []struct {
		handler *http.Handler
		name    named
	}{{&cfg.API, "api"}, {&cfg.Origin, "origin"}, {&cfg.UI, "ui"}} {
		if *h.handler == nil {
			*h.handler = h.name
		}
	}
	return New(cfg), log
}

func get(t *testing.T, s *Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w
}

func TestRoutes(t *testing.T) {
	s, _ := newServer(Config{})
	for path, want := range map[string]string{
		"/v1/streams": "api", "/v1": "api", "/v1/streams//prepare": "api", "/openapi.json": "api",
		"/streams/2/master.m3u8": "origin", "/time": "origin",
		"/": "ui", "/watch/2": "ui", "/docs": "ui", "/v10": "ui", "/streams": "ui", "/times": "ui",
		"/healthz": "alive\n", "/readyz": "ready\n",
	} {
		require.Equal(t, want, get(t, s, path).Body.String(), path)
	}
}

func TestReady(t *testing.T) {
	s, log := newServer(Config{Ready: func(context.Context) error { return errors.New("database gone") }})
	require.Equal(t, http.StatusServiceUnavailable, get(t, s, "/readyz").Code)
	require.Contains(t, log.text(), "database gone")
	require.Equal(t, http.StatusOK, get(t, s, "/healthz").Code, "alive all the same")
}

// Anybody may ask /readyz, so what it finds is logged once a second, and nothing is
// logged for who leaves before the answer.
func TestNotReadyIsLoggedSparingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newServer(Config{Ready: func(ctx context.Context) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return errors.New("database gone")
		}})
		lines := func() int { return strings.Count(log.text(), `msg="not ready"`) }
		left, leave := context.WithCancel(t.Context())
		leave()
		s.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(left, http.MethodGet, "/readyz", http.NoBody))
		require.Zero(t, lines(), log.text())
		for range 50 {
			require.Equal(t, http.StatusServiceUnavailable, get(t, s, "/readyz").Code)
		}
		require.Equal(t, 1, lines(), log.text())
		<-time.After(time.Second)
		get(t, s, "/readyz")
		require.Equal(t, 2, lines(), log.text())
		require.Contains(t, log.text(), "moreSince=49")
	})
}

// section 4: keys never stand in the log.
func TestRedact(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/streams/2/events/eyJh.eyJz.c2ln":       "/v1/streams/2/events/[redacted]",
		"/v1/streams/2/events/any-bootstrap-key":    "/v1/streams/2/events/[redacted]",
		"/v1/streams/2/events/key/":                 "/v1/streams/2/events/[redacted]/",
		"/v1/streams/2/stats/eyJh":                  "/v1/streams/2/stats/[redacted]",
		"/v1/streams/2/events":                      "/v1/streams/2/events",
		"/v1/streams/2/events/":                     "/v1/streams/2/events/",
		"/v1/streams/sluice_abc_def/prepare":        "/v1/streams/[redacted]/prepare",
		"/watch/2":                                  "/watch/2",
		"/v1/streams/2/eventkey":                    "/v1/streams/2/eventkey",
		"/streams/2/chunk-stream360-000000001.m4s":  "/streams/2/chunk-stream360-000000001.m4s",
		"/v1/streams/2/events/a/b/events/c":         "/v1/streams/2/events/[redacted]/[redacted]/[redacted]/[redacted]",
		"/v1/streams/2/events//eyJh.eyJz.signature": "/v1/streams/2/events//[redacted]",
		// S16: by shape, whatever the words before it.
		"/v1/stream/1/event/eyJhbGciOiJI.eyJzdWIi.c2ln": "/v1/stream/1/event/[redacted]",
		"/v1/Streams/1/Events/eyJhbGciOiJI.eyJzdWIi":    "/v1/Streams/1/Events/[redacted]",
		"/key=sluice_abc_def":                           "/[redacted]",
		"/SLUICE_ABC_DEF":                               "/[redacted]",
		"/watch/eyJ":                                    "/watch/eyJ",
		"/" + strings.Repeat("x", 40000):                "/" + strings.Repeat("x", 199) + "…",
		"/a" + strings.Repeat("é", 200):                 "/a" + strings.Repeat("é", 99) + "…",
	} {
		require.Equal(t, want, redact(path), path)
	}
}

func TestAccessLog(t *testing.T) {
	s, log := newServer(Config{API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/changed"
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "12345")
	})})
	id := get(t, s, "/v1/streams/2/events/secret?token=secret").Header().Get("X-Request-Id")
	require.NotEmpty(t, id)
	for _, want := range []string{
		"level=INFO", "msg=request", "method=GET", "path=/v1/streams/2/events/[redacted]",
		"status=403", "bytes=5", "duration=", "request=" + id,
	} {
		require.Contains(t, log.text(), want)
	}
	require.NotContains(t, log.text(), "secret")

	_, log = newServer(Config{})
	s.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	get(t, s, "/streams/2/master.m3u8")
	require.Empty(t, log.text(), "media is logged at level debug")
}

// S17: forms of a target that could name another host are refused.
func TestTargets(t *testing.T) {
	for target, want := range map[string]int{
		"/": http.StatusOK, "//a": http.StatusOK, "/x:@evil.test/": http.StatusOK,
		"x:@evil.test/a": http.StatusBadRequest, "http://evil.test/": http.StatusBadRequest, "*": http.StatusBadRequest, "a": http.StatusBadRequest,
	} {
		s, _ := newServer(Config{})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.RequestURI = target
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		require.Equal(t, want, w.Code, target)
		require.Empty(t, w.Header().Get("Location"), target)
	}
}

// F14: 499 stands in the log where a client left before its answer, and nowhere
// else.
func TestLeftInTheLog(t *testing.T) {
	for name, tc := range map[string]struct {
		left   bool
		status int // 0 is no answer
		want   string
	}{
		"held and left":                {true, http.StatusServiceUnavailable, "status=499"},
		"left without an answer":       {true, 0, "status=499"},
		"left in the middle of one":    {true, http.StatusOK, "status=200"},
		"refused, and then it left":    {true, http.StatusNotFound, "status=404"},
		"held in vain, and still here": {false, http.StatusServiceUnavailable, "status=503"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			s, log := newServer(Config{Origin: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.left {
					leave()
				}
				if tc.status != 0 {
					w.WriteHeader(tc.status)
				}
			})})
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/streams/1/master.m3u8", http.NoBody))
			require.Contains(t, log.text(), tc.want)
			require.NotEqual(t, 499, w.Code, "it is never sent")
		})
	}
}

// D7: behind a trusted proxy the log, the budgets and the counts see the client.
func TestTrustedProxy(t *testing.T) {
	trusted, err := clientaddr.ParseProxies([]string{"192.0.2.0/24"})
	require.NoError(t, err)
	for remote, want := range map[string]string{"192.0.2.1:80": "198.51.100.7", "203.0.113.1:80": "203.0.113.1"} {
		var seen string
		var secure bool
		s, log := newServer(Config{Trusted: trusted, API: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen, secure = clientaddr.Of(r).String(), clientaddr.Secure(r)
		})})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/streams", http.NoBody)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "10.0.0.1, 198.51.100.7")
		r.Header.Set("X-Forwarded-Proto", "https")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, want, seen)
		require.Equal(t, want == "198.51.100.7", secure)
		require.Contains(t, log.text(), "addr="+want)
	}
}

// The id is ours: one that comes with the request is not believed.
func TestRequestID(t *testing.T) {
	var seen string
	s, _ := newServer(Config{UI: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = r.Header.Get("X-Request-Id")
	})})
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("X-Request-Id", "forged")
	s.Handler().ServeHTTP(w, r)
	require.NotEqual(t, "forged", seen)
	require.Equal(t, seen, w.Header().Get("X-Request-Id"), "handlers log what the client is told")
}

func TestPanic(t *testing.T) {
	s, log := newServer(Config{UI: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "half an")
		}
		panic("the cause")
	})})
	res := get(t, s, "/early")
	require.Equal(t, http.StatusInternalServerError, res.Code)
	require.NotContains(t, res.Body.String(), "the cause")
	require.Contains(t, log.text(), "the cause")
	require.Contains(t, log.text(), "httpd_test.go", "the stack")
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { get(t, s, "/late") }, "half an answer is cut off")
}

// Handlers reach the connection through all that stands before them.
func TestResponseController(t *testing.T) {
	s, _ := newServer(Config{Origin: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		if err := errors.Join(control.SetWriteDeadline(time.Now().Add(time.Minute)), control.Flush()); err != nil {
			t.Error(err)
		}
	})})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/streams/2/manifest.mpd") //nolint:noctx // bounded by the test
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
}

// running is a server that runs, with a request open to it.
type running struct {
	url     string
	stop    context.CancelFunc
	stopped chan error
	request chan error // the end of the open request
}

// run starts a server and a request to it that lasts until hold returns.
func run(t *testing.T, cfg Config, hold func(*http.Request)) *running {
	t.Helper()
	entered := make(chan struct{})
	cfg.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		hold(r)
		_, _ = io.WriteString(w, "done")
	})
	s, _ := newServer(cfg)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	r := &running{url: "http://" + l.Addr().String(), stop: stop, stopped: make(chan error, 1), request: make(chan error, 1)}
	var all sync.WaitGroup
	t.Cleanup(func() { stop(); all.Wait(); http.DefaultClient.CloseIdleConnections() })
	all.Go(func() { r.stopped <- s.Run(ctx, l) })
	all.Go(func() {
		text, err := r.get("/v1/streams")
		if err == nil && text != "done" {
			err = errors.New(text)
		}
		r.request <- err
	})
	<-entered
	return r
}

func (r *running) get(path string) (string, error) {
	res, err := http.Get(r.url + path) //nolint:noctx // bounded by the test
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // read whole
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

// F10: not ready first, then the drain, and requests under way are answered.
func TestStopsGracefully(t *testing.T) {
	release := make(chan struct{})
	readyWhileDraining := make(chan string, 1)
	var r *running
	r = run(t, Config{Drain: func(context.Context) {
		text, err := r.get("/readyz")
		if err != nil {
			text = err.Error()
		}
		readyWhileDraining <- text
		close(release) // as a drain ends what keeps requests open
	}}, func(*http.Request) { <-release })
	text, err := r.get("/readyz")
	require.NoError(t, err)
	require.Equal(t, "ready\n", text)

	r.stop()
	require.Equal(t, "stopping\n", <-readyWhileDraining)
	require.NoError(t, <-r.request)
	require.NoError(t, <-r.stopped)
}

// A request that does not end is cut off when the time for stopping is over.
func TestStopsInTime(t *testing.T) {
	r := run(t, Config{StopTimeout: 20 * time.Millisecond}, func(r *http.Request) { <-r.Context().Done() })
	r.stop()
	require.ErrorIs(t, <-r.stopped, context.DeadlineExceeded)
	require.Error(t, <-r.request)
}

func TestRunFails(t *testing.T) {
	s, _ := newServer(Config{})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.ErrorContains(t, s.Run(t.Context(), l), "serve HTTP on 127.0.0.1:")
}

// F20: a header of a megabyte is refused before a handler sees it.
func TestHugeHeader(t *testing.T) {
	r := run(t, Config{}, func(*http.Request) {})
	require.NoError(t, <-r.request)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("X-Huge", strings.Repeat("x", 1<<20))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return // the server closed while the header was still being sent
	}
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, res.StatusCode)
}
