package api_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/budget"
)

// limited bounds event streams, of all, of one address and of one stream.
func limited(total, perAddress, perStream int) func(*api.Config) {
	return func(c *api.Config) {
		limits := budget.Config{
			Name: "event streams", Total: total, PerKey: perAddress, Code: "too_many", Share: "too_many_of_one",
			RetryAfter: 5 * time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		}
		c.EventLimits.ByAddress = budget.New[netip.Addr](limits)
		limits.Total, limits.PerKey = 0, perStream
		c.EventLimits.ByStream = budget.New[sluice.StreamID](limits)
	}
}

// S1: event streams have a budget, and who is over it is told at once and in the
// form of all errors. Those that are open go on.
func TestEventStreamsAreLimited(t *testing.T) {
	for name, tc := range map[string]struct {
		limits func(*api.Config)
		code   int
	}{
		"in all":     {limited(3, 0, 0), http.StatusServiceUnavailable},
		"by address": {limited(9, 3, 0), http.StatusTooManyRequests},
		"by stream":  {limited(9, 9, 3), http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, tc.limits)
			path := s.create("stream")
			open := make([]*subscriber, 3)
			for i := range open {
				open[i] = s.subscribe(path + "/events").opened()
			}
			refused := s.callAs("", "GET", path+"/events", "")
			require.Equal(t, tc.code, refused.Code)
			require.Equal(t, "5", refused.Header.Get("Retry-After"))
			require.Equal(t, tc.code, s.callAs("", "GET", path+"/events/"+s.eventKey(path), "").Code, "with a key, too")
			s.must("POST", path+"/prepare", "")
			for _, sub := range open {
				sub.expect("streamReady")
			}
			open[0].close()
			require.Eventually(t, func() bool {
				res := s.do("HEAD", path+"/events", "")
				require.NoError(t, res.Body.Close())
				return res.StatusCode == http.StatusOK
			}, 5*time.Second, 5*time.Millisecond, "a place is free when its holder has left")
		})
	}
}

// What ends without events gives its place back.
func TestRefusedEventStreamsHoldNothing(t *testing.T) {
	s := newServer(t, limited(1, 1, 1))
	path := s.create("stream")
	s.must("POST", path+"/end", "")
	for range 3 {
		for target, want := range map[string]int{
			path + "/events": http.StatusNoContent, "/v1/streams/99/events": http.StatusNotFound,
			path + "/events/bad": http.StatusForbidden, "/v1/streams/99/events/bad": http.StatusForbidden,
		} {
			res := s.do("GET", target, "")
			require.NoError(t, res.Body.Close())
			require.Equal(t, want, res.StatusCode, target)
		}
	}
}

// raw opens an event stream on a connection of its own, and reads it to the end of
// its first message.
func (s *server) raw(path, version string) (*bufio.Reader, *http.Response) {
	s.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.Listener.Addr().String())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/%s\r\nHost: test\r\nOrigin: https://app.example\r\n\r\n", path, version)
	require.NoError(s.t, err)
	buffered := bufio.NewReader(conn)
	res, err := http.ReadResponse(buffered, nil)
	require.NoError(s.t, err)
	return buffered, res
}

// An event stream of HTTP/1.1 is a whole answer, with its headers and its end.
func TestEventStreamOnItsConnection(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for version, chunked := range map[string]bool{"1.1": true, "1.0": false} {
		_, res := s.raw(path+"/events", version) //nolint:bodyclose // the connection is closed
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, "https://app.example", res.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "no-store, no-transform", res.Header.Get("Cache-Control"), "B21")
		require.NotEmpty(t, res.Header.Get("Date"))
		require.Equal(t, chunked, len(res.TransferEncoding) == 1)
		if chunked {
			go s.bus.Forget(1)
			text, err := io.ReadAll(res.Body)
			require.NoError(t, err, "it ends as a whole answer")
			require.True(t, strings.HasPrefix(string(text), "retry: "), string(text))
		}
	}
}

// Ten thousand viewers follow a stream: one costs less than 30 kB.
func TestEventStreamsAreSmall(t *testing.T) {
	const viewers, most = 300, 24 << 10
	s := newServer(t)
	path := s.create("stream")
	readers := make([]*bufio.Reader, 0, viewers+1)
	open := func() {
		buffered, res := s.raw(path+"/events", "1.1") //nolint:bodyclose // as above
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, line, "retry")
		readers = append(readers, buffered)
	}
	open()
	memory := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools hold on for one more
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := memory()
	for range viewers {
		open()
	}
	each := (memory() - before) / viewers
	t.Logf("%d bytes each, with the client's end", each)
	require.Less(t, each, int64(most))
	runtime.KeepAlive(readers)
}
