package api

import (
	"context"
	"io"
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
	a.pump(ctx, sub, newEventWriter(w), grant{expires: expires(time.Now())})
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
