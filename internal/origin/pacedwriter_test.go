package origin

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// oneConn accepts one connection, which has no buffers.
type oneConn struct{ conns chan net.Conn }

func (l oneConn) Accept() (net.Conn, error) {
	c, open := <-l.conns
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l oneConn) Close() error   { close(l.conns); return nil }
func (l oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// What counts is that a viewer takes something, not that it takes a long answer
// within the time of one write.
func TestLongAnswerToASlowViewer(t *testing.T) {
	const size, timeout = 4*piece + 1, 15 * time.Second
	for name, c := range map[string]struct {
		pause time.Duration // for each half of a piece
		whole bool
	}{
		"that takes a piece in time": {timeout / 3, true},
		"that does not":              {timeout, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wrote := make(chan bool, 1)
				listener := oneConn{make(chan net.Conn)}
				server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					paced := newPacedWriter(w, timeout)
					defer paced.finish()
					n, err := paced.Write(make([]byte, size))
					wrote <- err == nil && n == size
				})}
				served := make(chan error, 1)
				go func() { served <- server.Serve(listener) }()
				viewer, conn := net.Pipe()
				listener.conns <- conn
				_, err := io.WriteString(viewer, "GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n")
				require.NoError(t, err)
				answer, err := http.ReadResponse(bufio.NewReader(viewer), nil)
				require.NoError(t, err)
				got := 0
				for err == nil {
					var n int64
					n, err = io.CopyN(io.Discard, answer.Body, piece/2)
					got += int(n)
					<-time.After(c.pause)
				}
				_ = answer.Body.Close()
				require.Equal(t, c.whole, got == size)
				require.Equal(t, c.whole, <-wrote)
				require.NoError(t, viewer.Close())
				require.NoError(t, server.Close())
				require.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}
