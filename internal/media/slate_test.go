package media

import "testing"

// Every video codec has a slate, which says its size. That FFmpeg decodes them is
// tested in internal/ffmpeg.
func TestSlate(t *testing.T) {
	for _, codec := range []Codec{VP8, VP9, AV1, H264} {
		if width, height, ok := FrameSize(codec, Slate(codec)); !ok || width != 640 || height < 360 || height >= 376 {
			t.Errorf("%v: %d×%d, %v", codec, width, height, ok)
		}
	}
	if Slate(Opus) != nil {
		t.Error("Opus has no frames to show")
	}
}
