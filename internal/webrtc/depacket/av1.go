package depacket

import "encoding/binary"

// OBU types (AV1 specification, section 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuTileList          = 8
)

// av1 joins the OBUs of a temporal unit (RTP Payload Format For AV1, section 4)
// and gives them the sizes that the payload format takes away.
type av1 struct {
	data []byte
	obu  []byte // the one that is being joined
	cut  bool   // it goes on in the next packet
	key  bool   // a sequence header was seen, as every key frame has one (section 7.5)
}

func (a *av1) begin(bool) { *a = av1{data: a.data[:0], obu: a.obu[:0]} }

// push reads the aggregation header, Z|Y|W W|N (section 4.4), and the OBU
// elements after it, each preceded by its size, except the last one where W
// says how many there are.
func (a *av1) push(payload []byte) error {
	header := payload[0]
	goesOn, isCut, count := header&0x80 != 0, header&0x40 != 0, int(header>>4&3)
	if goesOn != a.cut {
		return errNotAtStart // an OBU goes on exactly where one was cut
	}
	elements := 0
	for payload = payload[1:]; len(payload) > 0; elements++ {
		element := payload
		if payload = nil; count == 0 || elements+1 < count {
			var err error
			if element, payload, err = sized(element); err != nil {
				return err
			}
		}
		if len(a.obu)+len(element) > maxFrame {
			return errTooLarge
		}
		a.obu = append(a.obu, element...)
		if a.cut = isCut && len(payload) == 0; a.cut {
			continue
		}
		if err := a.close(); err != nil {
			return err
		}
	}
	if count != 0 && elements != count {
		return errMalformed
	}
	return nil
}

// sized splits off what a leb128 size precedes.
func sized(b []byte) (content, rest []byte, err error) {
	size, n := binary.Uvarint(b) // the coding of leb128
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, errMalformed
	}
	return b[n : n+int(size)], b[n+int(size):], nil
}

// close ends the OBU that is being joined: it is written with its size, unless
// it is of a type that receivers must ignore (section 5).
func (a *av1) close() (err error) {
	obu := a.obu
	a.obu = a.obu[:0]
	if len(obu) == 0 {
		return nil
	}
	kind, header := obu[0]>>3&0xf, 1
	if obu[0]&0b100 != 0 { // obu_extension_flag
		header++
	}
	if len(obu) < header {
		return errMalformed
	}
	if kind == obuTemporalDelimiter || kind == obuTileList {
		return nil
	}
	a.key = a.key || kind == obuSequenceHeader
	content := obu[header:]
	if obu[0]&0b10 != 0 { // obu_has_size_field, which senders should not set
		if content, _, err = sized(content); err != nil {
			return err
		}
	}
	obu[0] |= 0b10
	size := binary.AppendUvarint(nil, uint64(len(content)))
	a.data, err = appendBounded(a.data, obu[:header], size, content)
	return err
}

func (a *av1) frame() ([]byte, bool, error) {
	if a.cut {
		return nil, false, errMalformed
	}
	return a.data, a.key, nil
}
