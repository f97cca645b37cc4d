package origin

import (
	"errors"
	"io"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// segmentReader reads a segment's chunks as one, without putting them together.
type segmentReader struct {
	chunks []cmaf.Chunk
	size   int64
	at     int64
}

func newSegmentReader(s *cmaf.Segment) *segmentReader {
	return &segmentReader{chunks: s.Chunks, size: int64(s.Size)}
}

// Read implements io.Reader.
func (r *segmentReader) Read(p []byte) (int, error) {
	offset := r.at
	for _, c := range r.chunks {
		if offset < int64(len(c.Bytes)) {
			n := copy(p, c.Bytes[offset:])
			r.at += int64(n)
			return n, nil
		}
		offset -= int64(len(c.Bytes))
	}
	return 0, io.EOF
}

var errSeek = errors.New("origin: seek outside of the segment")

// Seek implements io.Seeker.
func (r *segmentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 || offset > r.size {
		return 0, errSeek
	}
	r.at = offset
	return offset, nil
}
