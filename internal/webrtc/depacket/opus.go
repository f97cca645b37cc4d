package depacket

// opus takes Opus packets as they are: one RTP payload is one packet (RFC
// 7587, section 4.2). Packets of discontinuous transmission are packets too.
type opus struct{ packet []byte }

func (o *opus) begin(bool) { o.packet = nil }

func (o *opus) push(payload []byte) error {
	o.packet = payload
	return nil
}

func (o *opus) frame() ([]byte, bool, error) { return o.packet, true, nil }
