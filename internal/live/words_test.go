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

// TestWhatFFmpegWritesIsForTheLog runs a program in FFmpeg's place that writes
// what FFmpeg might: bytes of the publisher, and paths of this machine.
func TestWhatFFmpegWritesIsForTheLog(t *testing.T) {
	const said = "said-by-ffmpeg"
	program := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho "+said+" >&2\nexit 3\n"), 0o700)) //nolint:gosec // a program
	h := newHouse(t, func(c *Config) { c.FFmpeg, c.StartTimeout = program, time.Minute })
	events := h.subscribe()
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)

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
	require.Contains(t, everything, "sluice doctor", "but what to do")
}

func unmarshal(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("event %s: %w", data, err)
	}
	return nil
}
