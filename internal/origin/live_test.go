package origin_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/origin"
)

// encoder writes a run of 360 into a presentation, as far as a test lets it.
type encoder struct {
	t       *testing.T
	p       *cmaf.Presentation
	pipe    *io.PipeWriter
	run     []byte
	written int
	done    chan error
}

func newEncoder(t *testing.T) *encoder {
	t.Helper()
	r, w := io.Pipe()
	e := &encoder{t: t, p: cmaftest.NewPresentation(t), pipe: w, run: cmaftest.Encoded(t, "360"), done: make(chan error, 1)}
	go func() { e.done <- e.p.Track("360").Consume(t.Context(), r) }()
	return e
}

// until writes everything before a media time.
func (e *encoder) until(at time.Duration) {
	e.t.Helper()
	before, _ := cmaftest.Split(e.t, e.run, at)
	_, err := e.pipe.Write(before[e.written:])
	require.NoError(e.t, err)
	e.written = len(before)
	synctest.Wait()
}

func (e *encoder) close() {
	require.NoError(e.t, e.pipe.Close())
	require.NoError(e.t, <-e.done)
}

// answer is what one request got, and whether it was cut off.
type answer struct {
	*httptest.ResponseRecorder
	done    chan struct{}
	aborted any
}

func (a *answer) ended() bool {
	synctest.Wait()
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// request asks for a segment in the background.
func request(ctx context.Context, o http.Handler, number uint64) *answer {
	return requestFile(ctx, o, cmaf.SegmentName("360", number))
}

// requestFile asks for a file of the stream in the background.
func requestFile(ctx context.Context, o http.Handler, file string) *answer {
	a := &answer{ResponseRecorder: httptest.NewRecorder(), done: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/streams/7/"+file, nil)
	go func() {
		defer close(a.done)
		defer func() { a.aborted = recover() }()
		o.ServeHTTP(a, r)
	}()
	synctest.Wait()
	return a
}

func TestOpenSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEncoder(t)
		o := newOrigin(e.p)
		e.until(102500 * time.Millisecond) // two whole chunks of segment 51, and half of one
		a := request(t.Context(), o, 51)
		require.False(t, a.ended())
		require.Equal(t, http.StatusOK, a.Code)
		open := e.p.Track("360").Snapshot().Segment(51)
		require.Len(t, open.Chunks, 2)
		require.Equal(t, open.Size, a.Body.Len(), "whole chunks, at once")
		require.True(t, a.Flushed)
		require.Empty(t, a.Header().Get("Content-Length"))

		e.until(104 * time.Second)
		require.True(t, a.ended())
		require.Nil(t, a.aborted)
		again := request(t.Context(), o, 51)
		require.True(t, again.ended())
		require.Equal(t, again.Body.Bytes(), a.Body.Bytes(), "the same segment")
		require.NotEmpty(t, again.Header().Get("Content-Length"))
		e.close()
	})
}

func TestWaiting(t *testing.T) {
	t.Run("the next segment is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			a := request(t.Context(), newOrigin(e.p), 52)
			require.False(t, a.ended())
			e.until(105 * time.Second)
			require.Positive(t, a.Body.Len())
			e.until(106100 * time.Millisecond)
			require.True(t, a.ended())
			require.Equal(t, e.p.Track("360").Snapshot().Segment(52).Size, a.Body.Len())
			e.close()
		})
	})
	t.Run("in vain, for three segments at most", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			start := time.Now()
			a := request(t.Context(), newOrigin(e.p), 52)
			<-a.done
			require.Equal(t, 6*time.Second, time.Since(start))
			require.Equal(t, http.StatusServiceUnavailable, a.Code)
			require.Equal(t, "1", a.Header().Get("Retry-After"))
			e.close()
		})
	})
	t.Run("the end of the stream ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			next, open := request(t.Context(), newOrigin(e.p), 52), request(t.Context(), newOrigin(e.p), 51)
			e.close()
			require.NoError(t, e.p.End())
			require.True(t, next.ended())
			require.Equal(t, http.StatusNotFound, next.Code)
			require.True(t, open.ended())
			require.Nil(t, open.aborted, "short, but whole")
			require.Equal(t, e.p.Track("360").Snapshot().Segment(51).Size, open.Body.Len())
		})
	})
	t.Run("the end of the request ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			ctx, cancel := context.WithCancel(t.Context())
			next, open := request(ctx, newOrigin(e.p), 52), request(ctx, newOrigin(e.p), 51)
			cancel()
			require.True(t, next.ended())
			require.Equal(t, http.StatusServiceUnavailable, next.Code)
			require.True(t, open.ended())
			require.Equal(t, http.ErrAbortHandler, open.aborted, "no cache may take it for the whole")
			e.close()
		})
	})
	t.Run("an open segment without a new chunk is cut off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			a := request(t.Context(), newOrigin(e.p), 51)
			<-a.done
			require.Equal(t, http.ErrAbortHandler, a.aborted)
			e.close()
		})
	})
}

// pipeListener hands out connections without buffers: a client that does not
// read is felt by the server at once.
type pipeListener struct{ conns chan net.Conn }

func (l pipeListener) Accept() (net.Conn, error) {
	c, open := <-l.conns
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l pipeListener) Close() error   { close(l.conns); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func TestSlowViewerIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := cmaftest.NewPresentation(t)
		require.NoError(t, p.Track("360").Consume(t.Context(), bytes.NewReader(cmaftest.Encoded(t, "360"))))
		listener := pipeListener{conns: make(chan net.Conn)}
		server := &http.Server{Handler: newOrigin(p), ReadHeaderTimeout: time.Second}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()

		slow := listener.dial()
		const get = "GET /streams/7/chunk-stream360-51.m4s HTTP/1.1\r\nHost: origin.test\r\n\r\n"
		_, err := io.WriteString(slow, get)
		require.NoError(t, err)
		start := time.Now()
		first := make([]byte, 1)
		_, err = io.ReadFull(slow, first) // and not a byte more
		require.NoError(t, err)

		other := listener.dial()
		go func() { _, _ = io.WriteString(other, get+get[:len(get)-2]+"Connection: close\r\n\r\n") }()
		both, err := io.ReadAll(other)
		require.NoError(t, err)
		require.Greater(t, len(both), 2*p.Track("360").Snapshot().Segment(51).Size, "nobody else waits")
		require.Equal(t, start, time.Now())

		synctest.Wait()
		<-time.After(15 * time.Second)
		synctest.Wait()
		_, err = io.ReadAll(slow)
		require.NoError(t, err, "closed by the server")
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}

var _ http.Handler = (*origin.Server)(nil)
