package cmaf

import "strconv"

// InitName is the file name of a track's init segment.
func InitName(track string) string { return "init-stream" + track + ".mp4" }

// SegmentName is the file name of a segment.
func SegmentName(track string, number uint64) string {
	return SegmentTemplate(track, strconv.FormatUint(number, 10))
}

// SegmentTemplate is the form of all segments' file names. Players of this API
// read track and number out of them.
func SegmentTemplate(track, number string) string {
	return "chunk-stream" + track + "-" + number + ".m4s"
}

// ChunkName is the file name of a chunk by itself.
func ChunkName(track string, at Position) string {
	return "part-stream" + track + "-" + strconv.FormatUint(at.Segment, 10) + "-" + strconv.Itoa(at.Chunk) + ".m4s"
}
