package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/mkv"
)

// TestResolutionChange sends pictures whose size, shape and pace change, as a
// browser's do: not one picture may be missing from the output's constant frame
// rate, and the first picture, held back by two seconds, must fill them.
func TestResolutionChange(t *testing.T) {
	t.Parallel()
	ladder, err := sluice.NewLadder("360")
	require.NoError(t, err)
	const start, held = 10 * time.Second, 2 * time.Second
	e := Encode{Ladder: ladder, Phase: start % sluice.SegmentDuration}
	p, err := Start(t.Context(), "ffmpeg", e.Args(), e.Outputs(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	outputs := drain(p)
	w, err := mkv.NewWriter(p.Stdin, media.VP8)
	require.NoError(t, err)

	at := start
	for i, size := range []string{"640x360", "480x270", "360x640", "1280x720", "640x360", "320x240"} {
		picture := vp8KeyFrame(t, size)
		require.NoError(t, w.WriteVideo(at, true, picture))
		if i == 0 {
			at += held
		}
		for range 10 {
			at += 33333 * time.Microsecond
			require.NoError(t, w.WriteVideo(at, true, picture))
		}
		at += 33333 * time.Microsecond
	}
	for t0 := start; t0 < at; t0 += media.OpusSilenceDuration {
		require.NoError(t, w.WriteAudio(t0, media.OpusSilence))
	}
	require.NoError(t, p.Stdin.Close())
	exit := p.Wait() // Stop would be impatient: this is more than real time
	require.NoError(t, exit.Err, exit.LastWords)

	times := decodeTimes(<-outputs[0])
	<-outputs[1]
	p.Close()
	require.InDelta(t, int((at-start)*sluice.FrameRate/time.Second), len(times), 2)
	for i, got := range times {
		require.Equal(t, uint64(start.Seconds()*VideoTimescale)+uint64(i)*VideoTimescale/sluice.FrameRate, got, "picture %d", i)
	}
}

func vp8KeyFrame(t *testing.T, size string) []byte {
	t.Helper()
	args := []string{"-loglevel", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc=s=%s:r=30", size), "-frames:v", "1", "-pix_fmt", "yuv420p"}
	frame, err := run(t.Context(), "ffmpeg", append(args, codedAs(media.VP8)...)...)
	require.NoError(t, err)
	return frame
}

// decodeTimes are the times of all tfdt boxes, version 1.
func decodeTimes(b []byte) []uint64 {
	var times []uint64
	for {
		i := bytes.Index(b, []byte("tfdt\x01"))
		if i < 0 {
			return times
		}
		times = append(times, binary.BigEndian.Uint64(b[i+8:]))
		b = b[i+16:]
	}
}
