package publish

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// opus20ms is a packet of 20 ms: the code of its length, and no sound.
var opus20ms = []byte{0xf8, 0xff, 0xfe} //nolint:gochecknoglobals // a constant that Go has no word for

// writeClip makes a clip of so many one-byte frames and 20 ms packets.
func writeClip(t *testing.T, frames, packets int) string {
	t.Helper()
	head := append([]byte("DKIF\x00\x00\x20\x00VP80"), make([]byte, 20)...)
	binary.LittleEndian.PutUint32(head[16:], 30)
	binary.LittleEndian.PutUint32(head[20:], 1)
	for n := range frames {
		frame := make([]byte, 13)
		binary.LittleEndian.PutUint32(frame, 1)
		binary.LittleEndian.PutUint64(frame[4:], uint64(n))
		frame[12] = byte(n)
		head = append(head, frame...)
	}
	name := filepath.Join(t.TempDir(), "clip.ivf")
	require.NoError(t, os.WriteFile(name, head, 0o600))
	if packets == 0 {
		return name
	}
	ogg, err := oggwriter.New(filepath.Join(filepath.Dir(name), "clip.ogg"), 48000, 2)
	require.NoError(t, err)
	for n := range packets {
		packet := rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(n), Timestamp: uint32(960 * (n + 1))}, Payload: opus20ms}
		require.NoError(t, ogg.WriteRTP(&packet))
	}
	require.NoError(t, ogg.Close())
	return name
}

// taken remembers what was sent, for which media time, and at which time after
// the beginning.
type taken struct {
	begun        time.Time
	video, audio []time.Duration
	frames       []byte
	off          time.Duration // the most that anything came off its time
	stop         func()
	most         int // frames after which it stops
}

func (k *taken) WriteVideo(frame []byte, at time.Duration) error {
	k.note(at)
	k.video, k.frames = append(k.video, at), append(k.frames, frame...)
	if len(k.video) == k.most {
		k.stop()
	}
	return nil
}

func (k *taken) WriteAudio(_ []byte, at time.Duration) error {
	k.note(at)
	k.audio = append(k.audio, at)
	return nil
}

func (k *taken) note(at time.Duration) { k.off = max(k.off, (time.Since(k.begun) - at).Abs()) }

// playClip plays a clip on a clock that is not real, up to its end or to a number
// of frames.
func playClip(t *testing.T, cfg Config, most int) (*taken, error) {
	t.Helper()
	cfg.Codec = media.VP8
	var got *taken
	var err error
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		got = &taken{begun: time.Now(), most: most, stop: cancel}
		c, notFound := newClip(cfg)
		require.NoError(t, notFound)
		err = c.play(ctx, got)
	})
	return got, err
}

func TestClipIsSentAtThePaceOfRealTime(t *testing.T) {
	var log bytes.Buffer
	got, err := playClip(t, Config{File: writeClip(t, 30, 50), FrameLog: &log}, 0)
	require.ErrorIs(t, err, errFinished)
	require.Len(t, got.video, 30)
	require.Equal(t, time.Second/30, got.video[1])
	require.Len(t, got.audio, 49, "the sound up to the last frame, which begins at 0.967 s")
	require.Zero(t, got.off)
	require.Equal(t, 30, bytes.Count(log.Bytes(), []byte("\n")))
	require.Regexp(t, `^0 \d+\n1 \d+\n`, log.String())
}

func TestClipLoopsPictureAndSoundTogether(t *testing.T) {
	got, err := playClip(t, Config{File: writeClip(t, 6, 7), Loop: true}, 10)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []byte{0, 1, 2, 3, 4, 5, 0, 1, 2, 3}, got.frames)
	require.Equal(t, 200*time.Millisecond, got.video[6])
	require.Equal(t, 120*time.Millisecond, got.audio[6])
	require.Equal(t, 200*time.Millisecond, got.audio[7], "what the sound lacks stays silent")
}

func TestClipWithoutSound(t *testing.T) {
	got, err := playClip(t, Config{File: writeClip(t, 3, 0)}, 0)
	require.ErrorIs(t, err, errFinished)
	require.Len(t, got.video, 3)
	require.Empty(t, got.audio)
}

func TestClipThatIsBroken(t *testing.T) {
	for name, content := range map[string]string{
		"is no IVF":          "no IVF file at all, only some text",
		"is of another kind": "DKIF\x00\x00\x20\x00VP90\x00\x00\x00\x00\x1e\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"has no frame":       "DKIF\x00\x00\x20\x00VP80\x00\x00\x00\x00\x1e\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "clip.ivf")
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
			_, err := playClip(t, Config{File: file}, 0)
			require.Error(t, err)
			require.NotErrorIs(t, err, errFinished)
		})
	}
}
