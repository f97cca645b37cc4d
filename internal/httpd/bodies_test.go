package httpd

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/budget"
)

// pipes is a listener whose connections are pipes, so that their deadlines follow
// the time of a bubble.
type pipes struct {
	dials  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dials:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// from is a pipe that comes from an address.
type from struct {
	net.Conn
	addr string
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(f.addr), 4711))
}

// bubble is a server within a bubble of time.
type bubble struct {
	t     *testing.T
	dials chan net.Conn
	ours  []net.Conn
}

// dial connects from an address.
func (b *bubble) dial(addr string) net.Conn {
	client, server := net.Pipe()
	b.ours = append(b.ours, client)
	b.dials <- from{server, addr}
	return client
}

// withPipes runs a test against a server within a bubble of time.
func withPipes(t *testing.T, cfg func() Config, test func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(cfg())
		l := &pipes{dials: make(chan net.Conn), closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _ = s.Run(ctx, l) })
		b := &bubble{t: t, dials: l.dials}
		test(b)
		for _, conn := range b.ours {
			_ = conn.Close()
		}
		stop()
		all.Wait()
	})
}

// told is the head of an answer whose body was read.
type told struct {
	StatusCode int
	Header     http.Header
	Close      bool
	at         time.Time // when the head came
}

// readTold reads an answer; nil when there is none.
func readTold(conn net.Conn) *told {
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil
	}
	got := &told{res.StatusCode, res.Header, res.Close, time.Now()}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return got
}

// slowly sends a head that promises a body, and of the body nothing. It returns
// when the answer came, or the connection was closed.
func slowly(conn net.Conn, head string) (res *told, took time.Duration) {
	begun := time.Now()
	go func() { _, _ = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n") }()
	if res = readTold(conn); res == nil {
		return nil, time.Since(begun)
	}
	return res, res.at.Sub(begun)
}

// reading is a handler that wants the whole body, as the API's are.
func reading(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// S3: a body that does not come holds its connection for 15 seconds at most on
// every route, and not at all where no handler wants it.
func TestSlowBodies(t *testing.T) {
	for head, longest := range map[string]time.Duration{
		"POST / HTTP/1.1\nHost: x\nContent-Length: 100000\n":                      0,
		"POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n":                  0,
		"POST /healthz HTTP/1.1\nHost: x\nContent-Length: 100000\n":               0,
		"GET /time HTTP/1.1\nHost: x\nContent-Length: 100000\n":                   0,
		"POST /streams/1/master.m3u8 HTTP/1.1\nHost: x\nContent-Length: 100000\n": 0,
		"GET /streams/1/master.m3u8 HTTP/1.1\nHost: x\nContent-Length: 100000\n":  0,
		"POST x:@evil.test/ HTTP/1.1\nHost: x\nContent-Length: 100000\n":          0,
		"POST /v1/x HTTP/1.1\nHost: x\nContent-Length: 100000\n":                  bodyTimeout,
		"POST /v1/x HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n":              bodyTimeout,
		"GET /v1/streams/1 HTTP/1.1\nHost: x\nContent-Length: 100000\n":           bodyTimeout,
	} {
		t.Run(strings.SplitN(head, "\n", 2)[0], func(t *testing.T) {
			withPipes(t, func() Config { return Config{API: http.HandlerFunc(reading)} }, func(b *bubble) {
				t := b.t
				conn := b.dial("192.0.2.1")
				res, took := slowly(conn, head)
				require.NotNil(t, res, "answered")
				require.LessOrEqual(t, took, longest)
				require.True(t, res.Close, "the rest of the body is not waited for")
				begun := time.Now()
				_, err := conn.Read(make([]byte, 1))
				require.Error(t, err)
				require.LessOrEqual(t, time.Since(begun), time.Second, "and the connection is closed")
			})
		})
	}
}

// A body that came whole leaves no deadline: the request may wait for media.
func TestWholeBodyHasNoDeadline(t *testing.T) {
	waits := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
			w.WriteHeader(http.StatusGatewayTimeout)
		case <-time.After(time.Minute):
			w.WriteHeader(http.StatusOK)
		}
	}
	withPipes(t, func() Config { return Config{API: http.HandlerFunc(waits)} }, func(b *bubble) {
		t := b.t
		conn := b.dial("192.0.2.1")
		for range 2 {
			res, took := slowly(conn, "POST /v1/streams/1/start HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}")
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, time.Minute, took)
			require.False(t, res.Close)
		}
	})
}

// S3: bodies that are still arriving have a budget of each address, which those
// that have come do not use.
func TestBodyBudget(t *testing.T) {
	cfg := func() Config {
		log := slog.New(slog.DiscardHandler)
		return Config{API: http.HandlerFunc(reading), Bodies: budget.New[netip.Addr](budget.Config{
			Name: "bodies", Total: 30, PerKey: 20, Share: "too_many_bodies", RetryAfter: 5 * time.Second, Now: time.Now, Log: log,
		})}
	}
	withPipes(t, cfg, func(b *bubble) {
		t := b.t
		const slow = "POST /v1/x HTTP/1.1\nHost: x\nContent-Length: 100000\n"
		for range 20 {
			conn := b.dial("192.0.2.9")
			go func() { _, _ = slowly(conn, slow) }()
		}
		synctest.Wait()
		res, took := slowly(b.dial("192.0.2.9"), slow)
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Zero(t, took)
		require.Equal(t, "5", res.Header.Get("Retry-After"))
		require.True(t, res.Close)
		res, _ = slowly(b.dial("192.0.2.9"), "GET /healthz HTTP/1.1\nHost: x\n")
		require.Equal(t, http.StatusOK, res.StatusCode, "what has no body is served")
		for range 20 {
			res, _ = slowly(b.dial("192.0.2.1"), "POST /v1/x HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}")
			require.Equal(t, http.StatusOK, res.StatusCode, "another address, one after the other")
		}
		<-time.After(bodyTimeout + time.Millisecond)
		res, _ = slowly(b.dial("192.0.2.9"), "POST /v1/x HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}")
		require.Equal(t, http.StatusOK, res.StatusCode, "once they are over")
	})
}
