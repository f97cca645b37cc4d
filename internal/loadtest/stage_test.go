package loadtest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/loadtest"
	"github.com/sluicelive/sluice/internal/origin"
)

// network is one server and the connections to it, without sockets: inside a
// bubble of synctest, where seconds take no time.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}
func (n *network) Close() error   { close(n.closed); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve runs a server until the test ends or stop is called.
func serve(t *testing.T, h http.Handler) (n *network, stop func()) {
	t.Helper()
	n = &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(n) }()
	stop = sync.OnceFunc(func() {
		_ = server.Close()
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return n, stop
}

// live is a stream that goes on for a few seconds, from the first segment that is
// whole.
type live struct {
	presentation *cmaf.Presentation
	done         chan struct{} // closed at the end of the stream
}

const (
	begin = 102500 * time.Millisecond
	end   = 107 * time.Second
)

// Presentation implements origin.Presentations.
func (l *live) Presentation(context.Context, sluice.StreamID) (*cmaf.Presentation, error) {
	return l.presentation, nil
}

// startLive makes the stream whose media time begin is now. Ends says whether it
// ends, or only stops to come.
func startLive(t *testing.T, ends bool) *live {
	t.Helper()
	ladder, err := sluice.NewLadder("480")
	require.NoError(t, err)
	anchor := time.Now().Add(-begin)
	l := &live{done: make(chan struct{}), presentation: cmaf.NewPresentation(cmaf.Config{
		Clock: sluice.Clock{Anchor: anchor}, Ladder: ladder, Chunk: 6,
	})}
	var consumers sync.WaitGroup
	pipes := map[string]*io.PipeWriter{}
	written := map[string]int{}
	for _, name := range cmaftest.Renditions() {
		r, w := io.Pipe()
		pipes[name] = w
		consumers.Go(func() { _ = l.presentation.Track(name).Consume(t.Context(), r) })
	}
	write := func(until time.Duration) {
		for name, w := range pipes {
			before, _ := cmaftest.Split(t, cmaftest.Encoded(t, name), until)
			if fresh := before[written[name]:]; len(fresh) > 0 {
				_, _ = w.Write(fresh)
			}
			written[name] = len(before)
		}
	}
	write(begin)
	synctest.Wait()
	go func() {
		defer close(l.done)
		for now := begin; now < end; now += 20 * time.Millisecond {
			<-time.After(time.Until(anchor.Add(now)))
			write(now)
		}
		for _, w := range pipes {
			_ = w.Close()
		}
		consumers.Wait()
		if ends {
			_ = l.presentation.End()
		}
	}()
	return l
}

// serveLive serves a stream, by way of a filter that may answer in its place.
func serveLive(t *testing.T, l *live, filter func(w http.ResponseWriter, r *http.Request) (answered bool)) (n *network, stop func()) {
	t.Helper()
	o := origin.New(origin.Config{Presentations: l, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if filter == nil || !filter(w, r) {
			o.ServeHTTP(w, r)
		}
	}))
}

// watch runs a load test of ten viewers against a network, for as long as given.
func watch(t *testing.T, n *network, path string, d time.Duration) (*loadtest.Report, error) {
	t.Helper()
	return loadtest.Run(t.Context(), loadtest.Config{
		URL: "http://live.test" + path, Viewers: 10, Duration: d, Ramp: time.Second,
		Rendition: loadtest.Highest, Agent: "test", Dial: n.dial,
	})
}
