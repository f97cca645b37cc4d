package ffmpeg

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// keyFrame makes a flat key frame, in WxH.
func keyFrame(t *testing.T, codec media.Codec, size string) []byte {
	t.Helper()
	args := append([]string{
		"-loglevel", "error", "-f", "lavfi", "-i", "color=c=gray:s=" + size + ":r=30", "-frames:v", "1", "-pix_fmt", "yuv420p",
	}, slateEncoder(codec)...)
	args = append(args, map[media.Codec][]string{ // the fast ones
		media.VP9: {"-deadline", "realtime", "-cpu-used", "8"}, media.H264: {"-preset", "ultrafast"},
	}[codec]...)
	out, err := run(t.Context(), "ffmpeg", append(args, "pipe:1")...)
	require.NoError(t, err)
	if codec == media.H264 {
		return out
	}
	frame, err := firstIVFFrame(out)
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
