package ffmpeg

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/mkv"
)

// TestMain is FFmpeg in the processes that a Confinement starts.
func TestMain(m *testing.M) {
	if status, asked := RunConfined(os.Args, os.Environ()); asked {
		os.Exit(status)
	}
	if os.Getenv(serverOfAnEncoder) != "" {
		serveAnEncoder()
	}
	goleak.VerifyTestMain(m)
}

// serverOfAnEncoder is set in a process that starts a confined FFmpeg, says its
// process id, and waits to be killed.
const serverOfAnEncoder = "SERVER_OF_AN_ENCODER"

func serveAnEncoder() {
	ctx := context.Background()
	c, _ := Confine(ctx, "ffmpeg")
	p, err := c.Start(ctx, "ffmpeg", []string{"-hide_banner", "-f", "lavfi", "-i", "sine", "-re", "-f", "null", "-"}, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("pid " + strconv.Itoa(p.PID()) + "\n")
	p.Wait()
	os.Exit(1)
}

// TestEncode sends three seconds of slate and silence in every codec through
// the real encoder: what comes out must start where the stream clock says, in
// every rendition.
func TestEncode(t *testing.T) {
	t.Parallel()
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		t.Run(codec.String(), func(t *testing.T) {
			t.Parallel()
			slate := media.Slate(codec)
			ladder, err := sluice.NewLadder("480")
			require.NoError(t, err)
			start := 3600*time.Second + 400*time.Millisecond
			e := Encode{Ladder: ladder, Phase: start % sluice.SegmentDuration}
			p, err := Start(t.Context(), "ffmpeg", e.Args(), e.Outputs(), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			outputs := drain(p)

			w, err := mkv.NewWriter(p.Stdin, codec)
			require.NoError(t, err)
			for at := time.Duration(0); at < 3*time.Second; at += media.OpusSilenceDuration {
				require.NoError(t, w.WriteVideo(start+at, true, slate))
				require.NoError(t, w.WriteAudio(start+at, media.OpusSilence))
			}
			require.NoError(t, p.Stdin.Close())
			exit := p.Wait() // Stop would be impatient: this is more than real time
			require.NoError(t, exit.Err, exit.LastWords)
			for range ladder {
				require.Equal(t, uint64(start.Seconds()*VideoTimescale), firstDecodeTime(t, <-outputs[0]))
				outputs = outputs[1:]
			}
			// Priming puts the first AAC frame 1024 samples before the first sound.
			require.Equal(t, uint64(start.Seconds()*AudioTimescale)-1024, firstDecodeTime(t, <-outputs[0]))
			p.Close()
		})
	}
}

// drain reads every output to its end.
func drain(p *Process) []chan []byte {
	all := make([]chan []byte, 0, len(p.Outputs))
	for _, r := range p.Outputs {
		c := make(chan []byte, 1)
		all = append(all, c)
		go func() {
			b, _ := io.ReadAll(r)
			c <- b
		}()
	}
	return all
}

// firstDecodeTime finds the first tfdt box, version 1.
func firstDecodeTime(t *testing.T, b []byte) uint64 {
	t.Helper()
	i := bytes.Index(b, []byte("tfdt"))
	require.Positive(t, i, "%d bytes without a tfdt", len(b))
	require.Equal(t, byte(1), b[i+4])
	return binary.BigEndian.Uint64(b[i+8:])
}

func TestProcess(t *testing.T) {
	idle := []string{"-hide_banner", "-loglevel", "error", "-f", "matroska", "-i", "pipe:0", "-f", "null", "-"}
	t.Run("a killed child is told as such", func(t *testing.T) {
		p, err := Start(t.Context(), "ffmpeg", idle, 0, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer p.Close()
		require.NoError(t, syscall.Kill(p.PID(), syscall.SIGKILL))
		require.Contains(t, p.Wait().String(), "killed")
	})
	t.Run("the last words are kept", func(t *testing.T) {
		p, err := Start(t.Context(), "ffmpeg", []string{"-nonsense"}, 0, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer p.Close()
		exit := p.Wait()
		require.Error(t, exit.Err)
		require.Contains(t, exit.LastWords, "nonsense")
	})
	t.Run("a canceled context kills", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := Start(ctx, "ffmpeg", idle, 0, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer p.Close()
		cancel()
		require.Error(t, p.Wait().Err)
	})
	t.Run("a child that ignores the end of its input is killed", func(t *testing.T) {
		p, err := Start(t.Context(), "sleep", []string{"60"}, 0, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer p.Close()
		require.Error(t, p.Stop().Err)
		require.Error(t, syscall.Kill(p.PID(), 0), "still there")
	})
	t.Run("no such program", func(t *testing.T) {
		_, err := Start(t.Context(), "/nowhere/ffmpeg", nil, 2, slog.New(slog.DiscardHandler))
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestProbe(t *testing.T) {
	c, err := Probe(t.Context(), "ffmpeg")
	require.NoError(t, err)
	require.NotEmpty(t, c.Version)
	require.Empty(t, c.Missing)
	require.Equal(t, []string{"nosuch", "a|b"}, missing(" V..... libx264  H.264\n A..... aac  AAC\n", []string{"aac", "nosuch", "a|b"}))
}
