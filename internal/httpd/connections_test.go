package httpd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crowded is a server with room for few connections, whose API requests last
// until the end of the test.
type crowded struct {
	t    *testing.T
	addr string
	log  *lockedBuffer
	held chan struct{} // one for each API request that has begun
}

func newCrowded(t *testing.T, total, perAddress int, wrap func(net.Listener) net.Listener) *crowded {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	held := make(chan struct{}, total)
	cfg := Config{
		API: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			held <- struct{}{}
			<-ctx.Done()
		}),
		StopTimeout: time.Second,
	}
	log := &lockedBuffer{}
	cfg.Connections = NewConnections(ConnectionLimits{
		Total: total, PerAddress: perAddress, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	s, _ := newServer(cfg)
	var l net.Listener
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &crowded{t, l.Addr().String(), log, held}
	if wrap != nil {
		l = wrap(l)
	}
	var all sync.WaitGroup
	all.Go(func() { _ = s.Run(ctx, l) })
	t.Cleanup(func() {
		stop()
		all.Wait()
		cfg.Connections.Wait()
	})
	return c
}

// dial connects from an address of this machine.
func (c *crowded) dial(from string) net.Conn {
	c.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(c.t.Context(), "tcp", c.addr)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(c.t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	return conn
}

// ask asks whether the server is alive, and returns the answer; nil when the
// connection was closed.
func ask(conn net.Conn) *told {
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
	return readTold(conn)
}

// S1: connections that say nothing keep no client out, from another address or from
// their own, and disturb none that is in.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	c := newCrowded(t, 40, 20, nil)
	old := c.dial("127.0.0.2")
	require.Equal(t, http.StatusOK, ask(old).StatusCode)
	for range 200 {
		c.dial("127.0.0.9")
	}
	for _, from := range []string{"127.0.0.9", "127.0.0.2"} {
		res := ask(c.dial(from))
		require.NotNil(t, res, from)
		require.Equal(t, http.StatusOK, res.StatusCode, from)
	}
	require.Equal(t, http.StatusOK, ask(old).StatusCode, "the same connection")
	require.Contains(t, c.log.text(), "budget=connections")
	require.Contains(t, c.log.text(), "of=127.0.0.9")
	require.Contains(t, c.log.text(), "--max-connections-per-address")
	require.LessOrEqual(t, strings.Count(c.log.text(), "\n"), 10, "a line a second")
}

// Where all connections of an address are of use, a new one is told at once.
func TestRefusedConnectionIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		total, perAddress int
		from              string
		code              int
	}{
		"the address's share": {40, 3, "127.0.0.9", http.StatusTooManyRequests},
		"the whole":           {3, 20, "127.0.0.2", http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowded(t, tc.total, tc.perAddress, nil)
			for range 3 {
				_, err := io.WriteString(c.dial("127.0.0.9"), "GET /v1/streams HTTP/1.1\r\nHost: test\r\n\r\n")
				require.NoError(t, err)
			}
			for range 3 {
				<-c.held
			}
			res := ask(c.dial(tc.from))
			require.NotNil(t, res)
			require.Equal(t, tc.code, res.StatusCode)
			require.Equal(t, "5", res.Header.Get("Retry-After"))
			require.True(t, res.Close)
		})
	}
}

// exhausted is a listener of a system without descriptors, for a while.
type exhausted struct {
	net.Listener
	left atomic.Int32
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: errors.Join(syscall.ENOMEM)} // which net/http would end for
	}
	return e.Listener.Accept()
}

// S1: the listener outlives whatever the system says, and the log shows it.
func TestAcceptGoesOn(t *testing.T) {
	c := newCrowded(t, 10, 10, func(l net.Listener) net.Listener {
		e := &exhausted{Listener: l}
		e.left.Store(4)
		return e
	})
	require.Equal(t, http.StatusOK, ask(c.dial("127.0.0.2")).StatusCode)
	require.Equal(t, 1, strings.Count(c.log.text(), "cannot accept connections"), c.log.text())
	require.Contains(t, c.log.text(), "level=WARN")
}
