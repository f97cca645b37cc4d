// Package depacket builds whole coded frames from the RTP packets of one track.
package depacket

import (
	"errors"
	"slices"
	"time"

	"github.com/sluicelive/sluice/internal/jitter"
	"github.com/sluicelive/sluice/internal/media"
)

// maxFrame bounds one coded frame. A key frame of a browser has some hundred
// kilobytes; what does not fit never ends.
const maxFrame = 4 << 20

var (
	errNotAtStart = errors.New("depacket: frame does not begin with its first packet")
	errMalformed  = errors.New("depacket: malformed payload")
	errTooLarge   = errors.New("depacket: frame too large")
)

// format assembles the frames of one codec.
type format interface {
	// begin starts a frame and forgets the one before it. gap says that packets
	// right before it are missing.
	begin(gap bool)
	// push adds the payload, never empty, of the next packet to the frame. An
	// error means that the frame is damaged.
	push(payload []byte) error
	// frame ends the frame and returns its bytes, valid until the next push, and
	// whether it can be decoded without any before it. No bytes and no error
	// mean that the packets held no picture.
	frame() (data []byte, key bool, err error)
}

// Stats counts frames.
type Stats struct {
	Frames  uint64 // handed out
	Dropped uint64 // damaged, or undecodable because one before them was
}

// Assembler builds frames from packets in order. It hands out no frame that
// cannot be decoded: none that misses a packet, and, after one that was
// dropped, none before the next key frame.
//
// An Assembler is not safe for concurrent use.
type Assembler struct {
	codec  media.Codec
	format format

	open      bool // a frame is being built
	damaged   bool // and a packet of it is missing or malformed
	gap       bool // packets before the next frame are missing
	timestamp uint32
	arrived   time.Time
	needsKey  bool
	stats     Stats
}

// New returns an assembler for a codec. A video assembler starts in need of a
// key frame.
func New(codec media.Codec) *Assembler {
	a := &Assembler{codec: codec, needsKey: codec.Kind() == media.Video}
	switch codec {
	case media.VP8:
		a.format = &vp8{}
	case media.VP9:
		a.format = &vp9{}
	case media.AV1:
		a.format = &av1{}
	case media.H264:
		a.format = &h264{}
	default:
		a.format = &opus{}
	}
	return a
}

// Codec is what the assembler was made for.
func (a *Assembler) Codec() media.Codec { return a.codec }

// NeedsKey reports that no frame is handed out until a key frame comes.
func (a *Assembler) NeedsKey() bool { return a.needsKey }

// Inside says whether a packet of this timestamp belongs to the frame that is
// being built.
func (a *Assembler) Inside(timestamp uint32) bool { return a.open && a.timestamp == timestamp }

// Interrupt says that the assembler misses packets of its track, which were not
// of its codec.
func (a *Assembler) Interrupt() { a.lose() }

// Stats are the counts so far.
func (a *Assembler) Stats() Stats { return a.stats }

// Push takes the next packet in order, whose payload it does not keep, and
// hands the frames that it completes to emit. A frame is complete with its
// marked packet, or, from senders that mark none, with the first packet of
// another timestamp.
func (a *Assembler) Push(p jitter.Packet, emit func(media.Frame)) {
	if p.Gap {
		a.lose()
	}
	if len(p.Payload) == 0 {
		return // padding, which browsers send to probe the network
	}
	if a.open && p.Timestamp != a.timestamp {
		a.finish(emit)
	}
	if !a.open {
		a.open, a.damaged, a.timestamp, a.arrived = true, false, p.Timestamp, p.Arrived
		a.format.begin(a.gap)
		a.gap = false
	}
	if p.Arrived.After(a.arrived) {
		a.arrived = p.Arrived
	}
	if !a.damaged && a.format.push(p.Payload) != nil {
		a.damaged = true
	}
	if p.Marker || a.codec.Kind() == media.Audio {
		a.finish(emit)
	}
}

// lose notes that packets are missing: of the frame that is being built, of
// whole frames, or of both; which, the next packet does not say.
func (a *Assembler) lose() {
	if a.codec.Kind() == media.Audio {
		return // every packet is a frame of its own
	}
	a.damaged, a.gap, a.needsKey = true, true, true
}

// finish ends the frame that is being built.
func (a *Assembler) finish(emit func(media.Frame)) {
	a.open = false
	var data []byte
	var key bool
	if !a.damaged {
		var err error
		data, key, err = a.format.frame()
		a.damaged = err != nil
	}
	switch {
	case a.damaged:
		a.stats.Dropped++
		a.needsKey = a.codec.Kind() == media.Video
	case len(data) == 0:
	case a.needsKey && !key:
		a.stats.Dropped++
	default:
		a.needsKey = false
		a.stats.Frames++
		emit(media.Frame{Codec: a.codec, Key: key, RTPTime: a.timestamp, Arrived: a.arrived, Data: slices.Clone(data)})
	}
}

// appendBounded appends to a frame that must not pass maxFrame.
func appendBounded(frame []byte, parts ...[]byte) ([]byte, error) {
	for _, part := range parts {
		if len(frame)+len(part) > maxFrame {
			return frame, errTooLarge
		}
		frame = append(frame, part...)
	}
	return frame, nil
}
