package api

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/bus"
)

// pinged runs an event stream on which nothing happens and returns what was
// written.
func pinged(t *testing.T, lasts time.Duration, expires func(now time.Time) time.Time) string {
	t.Helper()
	b := bus.New(time.Now)
	sub := b.Subscribe(1, 0, false)
	defer sub.Close()
	w := httptest.NewRecorder()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	a := &API{Config: Config{Now: time.Now}}
	require.NoError(t, a.pump(ctx, sub, newEventWriter(w), grant{expires: expires(time.Now())}))
	text, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	return string(text)
}

// section 4: a comment every 15 seconds keeps proxies open.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := pinged(t, time.Minute+time.Second, func(time.Time) time.Time { return time.Time{} })
		require.Equal(t, strings.Repeat(": ping\n\n", 4), text)
	})
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		text := pinged(t, time.Hour, func(now time.Time) time.Time { return now.Add(20 * time.Second) })
		require.Equal(t, 20*time.Second, time.Since(begun))
		require.True(t, strings.HasPrefix(text, ": ping\n\nevent: eventKeyExpired\ndata: {"))
	})
}

// hijackable is the answer to a request whose connection is a pipe.
type hijackable struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// A client that takes nothing is given the time of one event, and no more for the
// end of the answer.
func TestClientThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.New(time.Now)
		a := &API{Config: Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
		a.closing, a.stop = context.WithCancel(t.Context())
		defer a.stop()
		client, conn := net.Pipe()
		defer func() { _ = client.Close() }()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		left := make(chan struct{})
		sub := b.Subscribe(1, 0, false)
		defer sub.Close()
		require.True(t, a.takeOver(hijackable{httptest.NewRecorder(), conn}, r, sub, grant{}, func() { close(left) }))
		begun := time.Now()
		head := make([]byte, 1024)
		n, err := client.Read(head)
		require.NoError(t, err)
		require.Contains(t, string(head[:n]), "retry: ")
		<-left
		require.Equal(t, pingInterval+eventWriteTimeout, time.Since(begun))
		a.open.Wait()
	})
}
