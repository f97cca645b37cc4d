package depacket

import (
	"math/bits"

	"github.com/pion/rtp/codecs"
	vp9header "github.com/pion/rtp/codecs/vp9"
)

// maxLayers is how many frames a VP9 superframe can join (VP9 bitstream
// specification, annex B.2).
const maxLayers = 8

// vp9 joins the payloads of a picture: one frame, or one for each spatial
// layer (RFC 9628).
type vp9 struct {
	data   []byte
	starts []int // offset of each layer's frame in data
	ended  bool  // the last packet ended a layer's frame
}

func (v *vp9) begin(bool) { *v = vp9{data: v.data[:0], starts: v.starts[:0], ended: true} }

func (v *vp9) push(payload []byte) error {
	var p codecs.VP9Packet
	part, err := p.Unmarshal(payload)
	if err != nil {
		return err
	}
	if p.B != v.ended { // a layer's frame starts where the one before it ended
		return errNotAtStart
	}
	if p.B {
		v.starts = append(v.starts, len(v.data))
	}
	v.ended = p.E
	v.data, err = appendBounded(v.data, part)
	return err
}

func (v *vp9) frame() ([]byte, bool, error) {
	if len(v.data) == 0 {
		return nil, false, nil
	}
	if !v.ended || len(v.starts) > maxLayers {
		return nil, false, errMalformed
	}
	// The payload descriptor only says that no other picture was used, which is
	// true of intra-only frames too; the frame's own header says key frame.
	var header vp9header.Header
	if err := header.Unmarshal(v.data); err != nil {
		return nil, false, err
	}
	key := !header.ShowExistingFrame && !header.NonKeyFrame
	if len(v.starts) > 1 {
		v.data = append(v.data, v.superframeIndex()...)
	}
	return v.data, key, nil
}

// superframeIndex tells a decoder where each layer's frame ends (VP9 bitstream
// specification, annex B.2): a marker, the sizes in little endian, the marker.
func (v *vp9) superframeIndex() []byte {
	size := (bits.Len(uint(len(v.data))) + 7) / 8
	marker := byte(0b110<<5 | (size-1)<<3 | (len(v.starts) - 1))
	index := []byte{marker}
	for i, start := range v.starts {
		end := len(v.data)
		if i+1 < len(v.starts) {
			end = v.starts[i+1]
		}
		for shift := range size {
			index = append(index, byte((end-start)>>(8*shift)))
		}
	}
	return append(index, marker)
}
