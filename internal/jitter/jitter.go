// Package jitter puts the RTP packets of one track back in order, within a
// bounded time.
package jitter

import (
	"slices"
	"time"
)

// maxJump is how far a sequence number may run ahead of, or fall behind, the
// one that is due before the sender counts as restarted (RFC 3550, appendix
// A.1: MAX_DROPOUT).
const maxJump = 3000

// settle is how long the first packet of a track is held, for those that were
// sent before it: any network may swap packets, loopback too, and the first
// ones are those of the key frame that everything after it needs.
const settle = 10 * time.Millisecond

// maxMisorder is how far before the first packet that comes one may be that was
// sent before it: what is older is a stray (RFC 3550, appendix A.1).
const maxMisorder = 100

// Packet is one RTP packet.
type Packet struct {
	Sequence    uint16
	Timestamp   uint32 // in ticks of the codec's clock, wraps
	Marker      bool
	PayloadType uint8
	Payload     []byte
	Arrived     time.Time
	// Gap is set by Pop: packets right before this one are lost.
	Gap bool
}

// Stats counts what became of the packets of a track.
type Stats struct {
	Received   uint64 // all that were pushed
	Lost       uint64 // sequence numbers that were given up
	Duplicates uint64 // pushed while the same packet was held
	Late       uint64 // behind the next one due: given up, or a copy of one that is out
	Resets     uint64 // jumps of the sequence number
}

// Buffer holds packets back while one that is due before them is missing. The
// packet that is due comes out at once; but for the first 10 ms of a track,
// nothing is held without a gap before it, and nothing is held longer than the
// window.
//
// A Buffer is not safe for concurrent use.
type Buffer struct {
	window   time.Duration
	capacity int

	origin  uint16    // the sequence number that came first
	settles time.Time // when the first packet may come out; zero before one came
	settled bool      // a packet is out: none before it can be due any more
	next    uint16    // the sequence number that is due
	held    []Packet  // by sequence number, counted from next
	jumped  bool      // the next packet out follows a jump
	badNext uint16    // the number that would confirm a jump
	bad     bool      // badNext is set
	stats   Stats
}

// New returns a buffer that holds a packet for at most window, which is at
// least 10 ms, and at most capacity packets.
func New(window time.Duration, capacity int) *Buffer {
	return &Buffer{window: window, capacity: capacity}
}

// Push takes a packet in. The buffer refers to its payload until the packet is
// popped: while Len is not zero, the caller must not write over payloads.
func (b *Buffer) Push(p Packet) {
	b.stats.Received++
	if b.settles.IsZero() {
		b.begin(p)
	}
	ahead := int16(p.Sequence - b.next) // serial number arithmetic, RFC 1982
	switch {
	case ahead >= maxJump || ahead <= -maxJump:
		if !b.confirmsJump(p.Sequence) {
			return
		}
		b.reset(p)
	case ahead < 0 && !b.settled && int16(p.Sequence-b.origin) >= -maxMisorder:
		b.next = p.Sequence
	case ahead < 0:
		b.stats.Late++
		return
	}
	b.bad = false
	b.insert(p)
}

// begin waits for what was sent before the first packet.
func (b *Buffer) begin(p Packet) {
	b.origin, b.next = p.Sequence, p.Sequence
	b.settles = p.Arrived.Add(settle)
}

// confirmsJump tells a restarted sender from a stray packet: only two packets
// in a row move the buffer (RFC 3550, appendix A.1).
func (b *Buffer) confirmsJump(sequence uint16) bool {
	confirmed := b.bad && sequence == b.badNext
	b.bad, b.badNext = !confirmed, sequence+1
	return confirmed
}

// reset forgets what is held and goes on at the packet after a jump.
func (b *Buffer) reset(p Packet) {
	b.stats.Resets++
	b.stats.Lost += uint64(len(b.held))
	clear(b.held)
	b.held = b.held[:0]
	b.next = p.Sequence
	b.jumped = true
	if !b.settled {
		b.begin(p)
	}
}

func (b *Buffer) insert(p Packet) {
	at, found := slices.BinarySearchFunc(b.held, p.Sequence, func(h Packet, sequence uint16) int {
		return int(h.Sequence-b.next) - int(sequence-b.next)
	})
	if found {
		b.stats.Duplicates++
		return
	}
	b.held = slices.Insert(b.held, at, p)
}

// Pop returns the next packet in order, if it is there or what is missing
// before it has been waited for long enough at the time now.
func (b *Buffer) Pop(now time.Time) (Packet, bool) {
	if len(b.held) == 0 {
		return Packet{}, false
	}
	if len(b.held) <= b.capacity && now.Before(b.due()) {
		return Packet{}, false
	}
	p := b.held[0]
	missing := p.Sequence - b.next
	b.held = slices.Delete(b.held, 0, 1)
	b.stats.Lost += uint64(missing)
	p.Gap = missing > 0 || b.jumped
	b.next, b.jumped, b.settled = p.Sequence+1, false, true
	return p, true
}

// Deadline is when Pop will next give something out though nothing more
// arrives. It reports false while nothing is held.
func (b *Buffer) Deadline() (time.Time, bool) {
	if len(b.held) == 0 {
		return time.Time{}, false
	}
	return b.due(), true
}

// due is when the first packet that is held may come out.
func (b *Buffer) due() time.Time {
	switch {
	case !b.settled:
		return b.settles
	case b.held[0].Sequence == b.next:
		return b.held[0].Arrived
	default:
		return b.gapDeadline()
	}
}

// gapDeadline is when the packet that has waited longest has waited enough: it
// need not be the first, which may itself have come late.
func (b *Buffer) gapDeadline() time.Time {
	oldest := b.held[0].Arrived
	for _, p := range b.held[1:] {
		if p.Arrived.Before(oldest) {
			oldest = p.Arrived
		}
	}
	return oldest.Add(b.window)
}

// maxMissing bounds what Missing lists; a longer gap is past mending.
const maxMissing = 256

// reorder is how long a packet that is missing may just have been overtaken. A
// request for it in that time makes the sender send it twice, and count a loss
// that there was not.
const reorder = 7 * time.Millisecond

// Missing lists the sequence numbers, in order, that are waited for and whose
// successors came so long before now that they were not just overtaken.
func (b *Buffer) Missing(now time.Time) []uint16 {
	overtaken := now.Add(-reorder)
	last := len(b.held) - 1
	for last >= 0 && b.held[last].Arrived.After(overtaken) {
		last--
	}
	var missing []uint16
	next := b.next
	for _, p := range b.held[:last+1] {
		for ; next != p.Sequence; next++ {
			if len(missing) == maxMissing {
				return missing
			}
			missing = append(missing, next)
		}
		next++
	}
	return missing
}

// Len is how many packets are held.
func (b *Buffer) Len() int { return len(b.held) }

// Stats are the counts so far.
func (b *Buffer) Stats() Stats { return b.stats }
