package live

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// hurried is a clock that makes the pauses between the runs of an encoder short.
func hurried(c *Config) {
	const factor = 8
	began := time.Now()
	c.Now = func() time.Time { return began.Add(factor * time.Since(began)) }
}

// TestWhatFFmpegWritesIsForTheLog runs a program in FFmpeg's place that writes
// what FFmpeg might: bytes of the publisher, and paths of this machine.
func TestWhatFFmpegWritesIsForTheLog(t *testing.T) {
	t.Parallel()
	const said = "said-by-ffmpeg"
	program := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho "+said+" >&2\nexit 3\n"), 0o700)) //nolint:gosec // a program
	h := newHouse(t, func(c *Config) {
		c.FFmpeg, c.StartTimeout = program, time.Minute
		hurried(c)
	})
	events := h.subscribe()
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "stream_failed", sluice.AsError(err).Code)
	require.Contains(t, sluice.AsError(err).Message, "sluice doctor", "but what to do")
	require.Equal(t, sluice.StatusError, h.stored().Status())

	everything := sluice.AsError(err).Message + h.stored().Broadcast.Failure
	codes := map[any]bool{}
	for {
		e := <-events
		everything += string(e.Data)
		if e.Type == sluice.EventEnded {
			break
		}
		var data struct{ Code string }
		if e.Type == sluice.EventError {
			require.NoError(t, unmarshal(e.Data, &data))
			codes[data.Code] = true
		}
	}
	require.Equal(t, map[any]bool{"encoder_restarted": true, "encoder_failed": true}, codes)
	for _, word := range []string{said, "exit status", program, "signal"} {
		require.NotContains(t, everything, word)
	}
}

func unmarshal(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("event %s: %w", data, err)
	}
	return nil
}
