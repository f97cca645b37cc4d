package cmaf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// ErrBox is wrapped by every error about bytes that are not the fragmented MP4
// this package takes.
var ErrBox = errors.New("cmaf: bad box")

// Limits of one box, in bytes with its header. A size above them is an error
// before a byte of the body is read.
const (
	maxHeaderBox = 1 << 20  // ftyp, moov
	maxMoof      = 1 << 18  // one frame needs 108 bytes
	maxMdat      = 16 << 20 // one coded frame
	maxOther     = 1 << 20  // boxes that are passed over
)

// maxSamples bounds the samples of one fragment: FFmpeg writes one.
const maxSamples = 4096

// boxReader takes one box after another off a stream. Memory grows with the
// bytes that came, never with the size a box claims.
type boxReader struct {
	r   io.Reader
	buf bytes.Buffer
}

// box is one box, header included. Its bytes are the reader's and live until
// the next call.
type box struct {
	kind   string
	header int // bytes of its header: 8, or 16 with a large size
	bytes  []byte
}

func (b box) body() []byte { return b.bytes[b.header:] }

// next reads the next box that this package knows and passes over all others.
// It returns io.EOF at the end of the stream, and io.ErrUnexpectedEOF inside a
// box.
func (br *boxReader) next() (box, error) {
	for {
		b, err := br.read()
		if err != nil {
			return box{}, err
		}
		switch b.kind {
		case "ftyp", "moov", "moof", "mdat":
			return b, nil
		}
	}
}

func (br *boxReader) read() (box, error) {
	br.buf.Reset()
	if err := br.fill(8); err != nil {
		return box{}, err
	}
	head := br.buf.Bytes()
	size, kind, header := uint64(binary.BigEndian.Uint32(head)), string(head[4:8]), 8
	if size == 1 { // ISO/IEC 14496-12, section 4.2: the size follows in 64 bits
		if err := br.fill(16); err != nil {
			return box{}, unexpected(err)
		}
		size, header = binary.BigEndian.Uint64(br.buf.Bytes()[8:]), 16
	}
	// Size 0, "to the end of the file", has no meaning on a live stream and
	// falls under the header's own size.
	if size < uint64(header) || size > boxLimit(kind) {
		return box{}, fmt.Errorf("%w: %q of %d bytes", ErrBox, kind, size)
	}
	if err := br.fill(int(size)); err != nil {
		return box{}, unexpected(err)
	}
	return box{kind: kind, header: header, bytes: br.buf.Bytes()}, nil
}

// fill reads until n bytes of the box are there.
func (br *boxReader) fill(n int) error {
	missing := int64(n - br.buf.Len())
	got, err := io.CopyN(&br.buf, br.r, missing)
	if errors.Is(err, io.EOF) && got > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func boxLimit(kind string) uint64 {
	switch kind {
	case "ftyp", "moov":
		return maxHeaderBox
	case "moof":
		return maxMoof
	case "mdat":
		return maxMdat
	default:
		return maxOther
	}
}

// decode parses the box with all its children.
func (b box) decode() (mp4.Box, error) {
	parsed, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(b.bytes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBox, err)
	}
	return parsed, nil
}
