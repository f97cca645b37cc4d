package depacket

import (
	"bytes"

	"github.com/pion/rtp/codecs"
)

// vp8 joins the payloads of a VP8 frame (RFC 7741).
type vp8 struct{ data []byte }

func (v *vp8) begin(bool) { v.data = v.data[:0] }

func (v *vp8) push(payload []byte) error {
	var p codecs.VP8Packet
	part, err := p.Unmarshal(payload)
	if err != nil {
		return err
	}
	first := p.S == 1 && p.PID == 0 // section 4.2: start of VP8 partition 0
	if first != (len(v.data) == 0) {
		return errNotAtStart
	}
	v.data, err = appendBounded(v.data, part)
	return err
}

// frame reads the frame tag (RFC 6386, section 9.1), whose lowest bit is 0 in
// key frames, which then have a start code.
func (v *vp8) frame() ([]byte, bool, error) {
	if len(v.data) == 0 {
		return nil, false, nil
	}
	key := v.data[0]&1 == 0
	if key && (len(v.data) < 10 || !bytes.Equal(v.data[3:6], []byte{0x9d, 0x01, 0x2a})) {
		return nil, false, errMalformed
	}
	return v.data, key, nil
}
