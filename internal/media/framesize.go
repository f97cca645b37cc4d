package media

import (
	"bytes"
	"encoding/binary"
)

// The largest frame that is encoded, in pixels. A 1080p phone in portrait and
// 4K cameras fit; the work that one frame can cause ends here.
const (
	MaxWidth  = 4096
	MaxHeight = 2304
	MaxPixels = MaxWidth * MaxHeight
)

// FrameSize is what the header of a key frame says about its size in pixels. It
// is not ok where the header says nothing or is broken.
func FrameSize(codec Codec, data []byte) (width, height int, ok bool) {
	switch codec {
	case VP8:
		return vp8Size(data)
	case VP9:
		return vp9Size(data)
	case AV1:
		return av1Size(data)
	case H264:
		return h264Size(data)
	default:
		return 0, 0, false
	}
}

// vp8Size reads a frame header (RFC 6386, section 9.1).
func vp8Size(b []byte) (width, height int, ok bool) {
	if len(b) < 10 || b[0]&1 != 0 || !bytes.Equal(b[3:6], []byte{0x9d, 0x01, 0x2a}) {
		return 0, 0, false
	}
	const size = 1<<14 - 1 // above it stands the scale that a player may apply
	return int(binary.LittleEndian.Uint16(b[6:]) & size), int(binary.LittleEndian.Uint16(b[8:]) & size), true
}

// vp9Size reads an uncompressed header (VP9 bitstream specification, 6.2).
func vp9Size(b []byte) (width, height int, ok bool) {
	const marker, syncCode, sRGB = 2, 0x498342, 7
	r := bits{b: b}
	if r.read(2) != marker {
		return 0, 0, false
	}
	profile := r.read(1) | r.read(1)<<1
	if profile == 3 {
		r.read(1)
	}
	shownAgain, inter := r.read(1), r.read(1)
	r.read(2) // show_frame, error_resilient_mode
	if shownAgain|inter != 0 || r.read(24) != syncCode {
		return 0, 0, false
	}
	if profile >= 2 {
		r.read(1) // bit depth
	}
	full := profile&1 == 1 // chroma may be other than 4:2:0
	switch space := r.read(3); {
	case space == sRGB && full:
		r.read(1)
	case space != sRGB && full:
		r.read(4)
	case space != sRGB:
		r.read(1)
	}
	width, height = int(r.read(16))+1, int(r.read(16))+1
	return width, height, !r.short
}

// bits reads a bit stream, most significant bit first. Past its end it reads
// zeros and says short.
type bits struct {
	b     []byte
	at    int
	short bool
}

func (r *bits) read(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.b) {
			r.short = true
			continue
		}
		v |= uint32(r.b[r.at>>3]) >> (7 - r.at&7) & 1
		r.at++
	}
	return v
}

// zeros counts the zeros before the next one, which it reads too: the prefix of
// exponential Golomb codes.
func (r *bits) zeros() int {
	n := 0
	for n < 32 && r.read(1) == 0 {
		if r.short {
			return 0
		}
		n++
	}
	return n
}

// golomb reads ue(v) (H.264, section 9.1), which is also AV1's uvlc().
func (r *bits) golomb() uint32 {
	n := r.zeros()
	if n >= 32 {
		return 1<<32 - 1
	}
	return 1<<n - 1 + r.read(n)
}
