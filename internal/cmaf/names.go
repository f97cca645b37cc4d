package cmaf

import "strconv"

// InitName is the file name of a track's init segment.
func InitName(track string) string { return "init-stream" + track + ".mp4" }

// SegmentName is the file name of a segment. Players of this API read track and
// number out of it.
func SegmentName(track string, number uint64) string {
	return "chunk-stream" + track + "-" + strconv.FormatUint(number, 10) + ".m4s"
}
