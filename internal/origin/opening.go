package origin

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/hls"
)

// opening is what many playlists in a row begin with, packed once: a window of a
// day is four megabytes of text, of which a part changes the last lines. The zero
// opening is that of a manifest which shares nothing.
type opening struct {
	text   string
	tag    string
	packed []byte // DEFLATE up to a whole byte, for more to follow (RFC 1951, section 3.2)
	sum    uint32
}

// openingOf packs the opening of a track's playlists for the first who asks.
func openingOf(s *cmaf.TrackSnapshot) *opening {
	return cmaf.Once(s.Settled, "origin opening", func() *opening { return newOpening(hls.Opening(s)) })
}

func newOpening(text string) *opening {
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return &opening{text: text, tag: contentTag([]byte(text)), packed: packed.Bytes(), sum: crc32.ChecksumIEEE([]byte(text))}
}

// farthest is how far back DEFLATE refers to what was said before.
const farthest = 32 << 10

// zip is the opening and the rest as one member of gzip (RFC 1952, section 2.3).
func (o *opening) zip(rest []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}) // DEFLATE, no name, no time, any system
	out.Write(o.packed)
	w, err := flate.NewWriterDict(&out, flate.DefaultCompression, []byte(o.text[max(0, len(o.text)-farthest):]))
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(rest); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	trailer := binary.LittleEndian.AppendUint32(nil, crc32.Update(o.sum, crc32.IEEETable, rest))
	out.Write(binary.LittleEndian.AppendUint32(trailer, uint32(len(o.text)+len(rest))))
	return out.Bytes(), nil
}
