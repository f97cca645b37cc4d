package mkv

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// written is what an independent reader finds in a stream.
type written struct {
	Header  header `ebml:"EBML"`
	Segment struct {
		Info    info   `ebml:"Info"`
		Tracks  tracks `ebml:"Tracks"`
		Cluster []struct {
			Timecode    uint64       `ebml:"Timecode"`
			SimpleBlock []ebml.Block `ebml:"SimpleBlock"`
		} `ebml:"Cluster,size=unknown"`
	} `ebml:"Segment,size=unknown"`
}

func TestWriter(t *testing.T) {
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		t.Run(codec.String(), func(t *testing.T) {
			var b bytes.Buffer
			w, err := NewWriter(&b, codec)
			require.NoError(t, err)
			hour := time.Hour + 33333*time.Microsecond
			require.NoError(t, w.WriteVideo(hour, true, []byte("key")))
			require.NoError(t, w.WriteAudio(hour+time.Microsecond, []byte("opus")))
			require.NoError(t, w.WriteVideo(hour+33333*time.Microsecond, false, make([]byte, 70_000)))

			var got written
			require.NoError(t, ebml.Unmarshal(&b, &got))
			require.Equal(t, "matroska", got.Header.DocType)
			require.Equal(t, uint64(1000), got.Segment.Info.TimecodeScale, "ticks of a microsecond")
			require.Equal(t, codecID(codec), got.Segment.Tracks.Entries[0].CodecID)
			require.Equal(t, opusHead(), got.Segment.Tracks.Entries[1].CodecPrivate)

			clusters := got.Segment.Cluster
			require.Len(t, clusters, 3, "one a frame")
			for i, want := range []struct {
				at    time.Duration
				track uint64
				key   bool
				size  int
			}{
				{hour, videoTrack, true, 3},
				{hour + time.Microsecond, audioTrack, true, 4},
				{hour + 33333*time.Microsecond, videoTrack, false, 70_000},
			} {
				block := clusters[i].SimpleBlock[0]
				require.Equal(t, uint64(want.at.Microseconds()), clusters[i].Timecode)
				require.Equal(t, want.track, block.TrackNumber)
				require.Equal(t, want.key, block.Keyframe)
				require.Zero(t, block.Timecode)
				require.Len(t, block.Data[0], want.size)
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	_, err := NewWriter(&bytes.Buffer{}, media.Opus)
	require.Error(t, err, "sound where pictures belong")
	_, err = NewWriter(&bytes.Buffer{}, 0)
	require.Error(t, err, "no codec")
	w, err := NewWriter(&bytes.Buffer{}, media.VP8)
	require.NoError(t, err)
	require.Error(t, w.WriteVideo(-1, true, nil), "before the stream clock began")
}

func TestAFailedWriteIsTold(t *testing.T) {
	broken := errors.New("broken pipe")
	_, err := NewWriter(failing{broken}, media.VP8)
	require.ErrorIs(t, err, broken)
	w := &Writer{w: failing{broken}}
	require.ErrorIs(t, w.WriteAudio(0, nil), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestOneWriteAFrame keeps frames from waiting in a buffer, and the hot path
// from allocating.
func TestOneWriteAFrame(t *testing.T) {
	var c counter
	w, err := NewWriter(&c, media.VP8)
	require.NoError(t, err)
	frame := make([]byte, 10_000)
	require.NoError(t, w.WriteVideo(0, true, frame))
	before := c
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = w.WriteVideo(time.Second, false, frame) }))
	require.Equal(t, before+101, c)
}

type counter int

func (c *counter) Write(b []byte) (int, error) { *c++; return len(b), nil }
