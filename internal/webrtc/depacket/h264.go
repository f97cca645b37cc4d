package depacket

import (
	"bytes"
	"encoding/binary"
)

// NAL unit types (Rec. ITU-T H.264, table 7-1) and the packet types that RFC
// 6184, table 1 adds to them.
const (
	nalSlice     = 1
	nalIDR       = 5
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
	nalMax       = 23
	nalSTAPA     = 24
	nalFUA       = 28
)

// maxParameters bounds the stored parameter sets. Browsers send some 50 bytes.
const maxParameters = 4096

const startCode = "\x00\x00\x00\x01"

// h264 joins the NAL units of an access unit in Annex B form, from single NAL
// unit, STAP-A and FU-A packets (RFC 6184, sections 5.6 to 5.8): both
// packetization modes that browsers offer.
type h264 struct {
	data     []byte
	gap      bool // packets before the access unit are missing
	fragment bool // an FU-A has started and not ended
	picture  bool // the access unit has a slice
	idr      bool // and it is one of an IDR picture
	sps, pps bool // it has parameter sets

	// parameters are the last parameter sets, in Annex B form. Some senders give
	// them a timestamp of their own, and some send them only once.
	parameters []byte
	stored     bool // the NAL unit before was stored in parameters
}

func (h *h264) begin(gap bool) {
	*h = h264{data: h.data[:0], gap: gap, parameters: h.parameters, stored: h.stored}
}

func (h *h264) push(payload []byte) error {
	kind := payload[0] & 0x1f
	switch {
	case h.fragment != (kind == nalFUA && len(payload) > 1 && payload[1]&0x80 == 0):
		return errNotAtStart // a fragment goes on exactly where one was cut
	case kind >= 1 && kind <= nalMax:
		return h.unit(payload)
	case kind == nalSTAPA:
		return h.aggregate(payload[1:])
	case kind == nalFUA:
		return h.fragmented(payload)
	}
	return errMalformed // an interleaved mode, which is never negotiated
}

// aggregate takes the NAL units of a STAP-A (section 5.7.1).
func (h *h264) aggregate(units []byte) error {
	for len(units) > 0 {
		if len(units) < 2 {
			return errMalformed
		}
		size := int(binary.BigEndian.Uint16(units))
		units = units[2:]
		if size == 0 || size > len(units) {
			return errMalformed
		}
		if err := h.unit(units[:size]); err != nil {
			return err
		}
		units = units[size:]
	}
	return nil
}

// fragmented takes a part of a NAL unit, FU-A (section 5.8).
func (h *h264) fragmented(payload []byte) (err error) {
	if len(payload) < 3 {
		return errMalformed
	}
	header, part := payload[1], payload[2:]
	if header&0x80 != 0 { // start
		nal := [2]byte{payload[0]&0xe0 | header&0x1f, part[0]}
		if kind := nal[0] & 0x1f; kind == nalSPS || kind == nalPPS {
			return errMalformed // some bytes long, never cut
		}
		if err := h.unit(nal[:]); err != nil {
			return err
		}
		part = part[1:]
	}
	h.fragment = header&0x40 == 0 // not the end
	h.data, err = appendBounded(h.data, part)
	return err
}

// unit takes a NAL unit, or the first two bytes of one that is cut.
func (h *h264) unit(nal []byte) (err error) {
	kind := nal[0] & 0x1f
	h.store(kind, nal)
	switch kind {
	case nalDelimiter:
		return nil // it must stand first, where parameter sets may be put
	case nalSPS:
		h.sps = true
	case nalPPS:
		h.pps = true
	case nalIDR:
		h.idr = true
	}
	if slice := kind >= nalSlice && kind <= nalIDR; slice && !h.picture {
		// first_mb_in_slice, ue(v), is 0 in the first slice of a picture (section
		// 7.4.3): where it is not, that slice was lost.
		if len(nal) < 2 || nal[1]&0x80 == 0 {
			return errNotAtStart
		}
		h.picture = true
	}
	h.data, err = appendBounded(h.data, []byte(startCode), nal)
	return err
}

// store keeps parameter sets; a first one after other units replaces all.
func (h *h264) store(kind byte, nal []byte) {
	if kind != nalSPS && kind != nalPPS {
		h.stored = h.stored && kind == nalDelimiter
		return
	}
	if kind == nalSPS && !h.stored {
		h.parameters = h.parameters[:0]
	}
	h.stored = true
	if len(h.parameters)+len(nal) < maxParameters && !bytes.Contains(h.parameters, nal) {
		h.parameters = append(append(h.parameters, startCode...), nal...)
	}
}

func (h *h264) frame() ([]byte, bool, error) {
	switch {
	case h.fragment:
		return nil, false, errMalformed
	case !h.picture:
		return nil, false, nil // parameter sets or SEI under a timestamp of their own
	case !h.idr || h.sps && h.pps:
		return h.data, h.idr, nil
	case h.gap:
		return nil, false, errMalformed // its parameter sets may be what was lost
	}
	data, err := appendBounded(make([]byte, 0, len(h.parameters)+len(h.data)), h.parameters, h.data)
	return data, len(h.parameters) > 0, err
}
