package ffmpeg

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// codedAs is the end of FFmpeg's arguments for frames in a codec, fast, and in the
// form of media.Frame.
func codedAs(codec media.Codec) []string {
	encoder := map[media.Codec][]string{
		media.VP8:  {"libvpx"},
		media.VP9:  {"libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"},
		media.AV1:  {"libaom-av1", "-cpu-used", "8"},
		media.H264: {"libx264", "-profile:v", "baseline", "-tune", "zerolatency", "-preset", "ultrafast"},
	}[codec]
	return append(append([]string{"-c:v"}, encoder...), "-f", "rawvideo", "pipe:1")
}

// keyFrame makes a flat key frame, in WxH.
func keyFrame(t *testing.T, codec media.Codec, size string) []byte {
	t.Helper()
	args := []string{"-loglevel", "error", "-f", "lavfi", "-i", "color=c=gray:s=" + size + ":r=30", "-frames:v", "1", "-pix_fmt", "yuv420p"}
	frame, err := run(t.Context(), "ffmpeg", append(args, codedAs(codec)...)...)
	require.NoError(t, err)
	return frame
}

// TestFrameSize reads the sizes of frames that real encoders made.
func TestFrameSize(t *testing.T) {
	t.Parallel()
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264} {
		for size, want := range map[string][2]int{
			"640x360": {640, 360}, "1080x1920": {1080, 1920}, "176x144": {176, 144},
		} {
			t.Run(codec.String()+" "+size, func(t *testing.T) {
				t.Parallel()
				width, height, ok := media.FrameSize(codec, keyFrame(t, codec, size))
				require.True(t, ok)
				const macroblock = 16 // H.264 says its size in them
				require.InDelta(t, want[0], width, macroblock-1)
				require.InDelta(t, want[1], height, macroblock-1)
				require.GreaterOrEqual(t, width, want[0])
				require.GreaterOrEqual(t, height, want[1])
			})
		}
	}
}
