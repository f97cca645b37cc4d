package media

import "embed"

//go:generate ../../scripts/make-slates.sh

//go:embed slates
var slates embed.FS

// Slate is the frame that is shown while no video comes: one dark key frame of
// 640×360 in a video codec, in the form of Frame.Data. It is nil for Opus.
func Slate(codec Codec) []byte {
	name := map[Codec]string{VP8: "vp8", VP9: "vp9", AV1: "av1", H264: "h264"}[codec]
	slate, _ := slates.ReadFile("slates/" + name) // of a codec without a slate there is no file
	return slate
}
