package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/publish"
)

// TestASystemClockThatIsSetPartsNoClocks sets the system clock by an hour while
// the server runs. A stream that begins after it says in its MPD when it began,
// and /time what time it is: a player that finds an hour between the two waits
// for it.
func TestASystemClockThatIsSetPartsNoClocks(t *testing.T) {
	var set atomic.Bool
	const key = "sluice_test-of-the-clock_0123456789"
	port := freePort(t)
	server := serveCmd{
		dataFlags:      dataFlags{Data: t.TempDir()},
		netFlags:       netFlags{Listen: "127.0.0.1:" + strconv.Itoa(port)},
		bootstrapFlags: bootstrapFlags{BootstrapKey: key}, EventKeyMax: time.Hour,
		PrepareTimeout: time.Minute, DVR: time.Minute, Chunk: 133 * time.Millisecond, FFmpeg: "ffmpeg", Preset: "ultrafast",
		wall: func() time.Time {
			if set.Load() {
				return time.Now().Round(0).Add(time.Hour)
			}
			return time.Now()
		},
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, slog.New(slog.DiscardHandler), terminal{io.Discard}) }()
	defer func() { stop(); require.NoError(t, <-ended) }()
	require.Eventually(t, func() bool { return get(port, "/readyz", "") == http.StatusOK }, 20*time.Second, 20*time.Millisecond)

	set.Store(true)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	var began, now time.Time
	publishing, finish := context.WithTimeout(t.Context(), 40*time.Second)
	defer finish()
	require.NoError(t, publish.Run(publishing, publish.Config{
		Server: base, Key: key, Name: "clock", Quality: "360", FFmpeg: "ffmpeg", Log: slog.New(slog.DiscardHandler),
		Live: func(s publish.Stream, _ publish.Started) {
			defer finish()
			mpd := body(t, base+"/streams/"+strconv.Itoa(int(s.ID))+"/manifest.mpd")
			start := regexp.MustCompile(`availabilityStartTime="([^"]+)"`).FindStringSubmatch(mpd)
			require.NotNil(t, start, mpd)
			began, now = instant(t, start[1]), instant(t, body(t, base+"/time"))
		},
	}))
	require.False(t, began.IsZero(), "the stream did not start")
	require.InDelta(t, 0, now.Sub(began), float64(time.Minute))
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(text))
	require.NoError(t, err)
	return at
}

// body gets what a server under test answers.
func body(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(text)
}
