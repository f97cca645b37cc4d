package depacket

import (
	"encoding/binary"

	"github.com/pion/rtp/codecs"
)

// obuSequenceHeader is the type of the OBU that every key frame of a live
// stream comes with (AV1 specification, sections 6.2.2 and 7.5).
const obuSequenceHeader = 1

// av1 joins the OBUs of a temporal unit (RTP Payload Format For AV1, section
// 4). The depacketizer gives them their sizes back and drops temporal
// delimiters.
type av1 struct {
	depacketizer codecs.AV1Depacketizer
	data         []byte
}

func (a *av1) begin(bool) { *a = av1{data: a.data[:0]} }

func (a *av1) push(payload []byte) error {
	continued := a.depacketizer.Y
	part, err := a.depacketizer.Unmarshal(payload)
	if err != nil {
		return err
	}
	if a.depacketizer.Z != continued { // an OBU goes on exactly where one was cut
		return errNotAtStart
	}
	a.data, err = appendBounded(a.data, part)
	return err
}

func (a *av1) frame() ([]byte, bool, error) {
	if a.depacketizer.Y {
		return nil, false, errMalformed // cut, and never went on
	}
	key, err := hasSequenceHeader(a.data)
	return a.data, key, err
}

// hasSequenceHeader walks OBUs that carry their sizes (AV1 specification,
// section 5.3).
func hasSequenceHeader(obus []byte) (bool, error) {
	for len(obus) > 0 {
		kind, header := obus[0]>>3&0xf, 1
		if obus[0]&0b100 != 0 { // obu_extension_flag
			header++
		}
		if obus[0]&0b10 == 0 || len(obus) < header { // obu_has_size_field
			return false, errMalformed
		}
		if kind == obuSequenceHeader {
			return true, nil
		}
		size, n := binary.Uvarint(obus[header:]) // the same coding as leb128
		if n <= 0 || size > uint64(len(obus)-header-n) {
			return false, errMalformed
		}
		obus = obus[header+n+int(size):]
	}
	return false, nil
}
