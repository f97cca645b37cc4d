package broadcast

import (
	"fmt"
	"time"

	"github.com/sluicelive/sluice/internal/media"
)

const (
	// keyFramePatience is how long a publisher gets to answer a request for a key
	// frame: browsers take 30 to 130 ms and the round trip.
	keyFramePatience = 300 * time.Millisecond
	// oversizedInterval is how often a publisher is told at most that its frames are
	// too large.
	oversizedInterval = 10 * time.Second
)

// publisher is what is known of the publisher and its session.
type publisher struct {
	present   bool // it has a session
	connected bool
	heard     bool          // a frame came in this session
	idleSince time.Duration // since when it is not connected
	lastFrame time.Duration // when its newest frame arrived, in whichever session
	away      bool          // as it was last told
	oversized bool          // its frames are larger than the encoder takes
	toldLarge time.Duration // when it was last told so; 0: never
}

// record notes that a frame arrived.
func (p *publisher) record(arrived time.Duration) {
	p.heard, p.lastFrame = true, arrived
}

// replace takes a new session for the one before it. Its frames begin with a key
// frame, so what was too large before says nothing of them.
func (p *publisher) replace(now time.Duration) {
	p.present, p.connected, p.heard, p.oversized = true, false, false, false
	p.idleSince = now // it has all the time to connect
}

func (p *publisher) disconnect(now time.Duration) {
	if p.connected {
		p.connected, p.idleSince = false, now
	}
}

// onConnected prepares for the first frame: the process of an encoder takes a tenth
// of a second to start.
func (m *Machine) onConnected() {
	m.publisher.connected = true
	if !m.run.active && !m.run.standby && m.run.published == 0 {
		m.run.standby = true
		m.do(Action{Do: LaunchStandby})
	}
}

func (m *Machine) onClosed(now time.Duration) {
	m.publisher.disconnect(now)
	m.publisher.present, m.publisher.heard = false, false
	m.do(Action{Do: CloseSession})
}

// tellAway tells, once per change, whether the publisher of a started broadcast is
// away.
func (m *Machine) tellAway() {
	if away := !m.publisher.connected; m.started && away != m.publisher.away {
		m.publisher.away = away
		m.do(Action{Do: SaveAway, Away: away})
	}
}

// video decides what becomes of a video frame.
func (m *Machine) video(f VideoFrame, now time.Duration) {
	if m.tooLarge(f, now) {
		if !f.Key { // a publisher that made its frames smaller may send no key frame until asked
			m.askKeyFrame(now)
		}
		return
	}
	if f.Key && m.encoderDue(now) {
		m.beginRun(f.Codec, f.Time, false, now)
	}
	switch {
	case !m.run.active:
	case f.Codec == m.run.codec:
		m.do(Action{Do: Feed})
	case !m.run.closing:
		m.run.closing = true
		m.do(Action{Do: CloseInput}) // the next run starts with this codec
	}
}

// tooLarge reports whether a frame, or the key frame that it builds on, is larger
// than the encoder takes. The broadcast goes on without such frames up to a key
// frame that fits.
func (m *Machine) tooLarge(f VideoFrame, now time.Duration) bool {
	p := &m.publisher
	if !f.Key || f.Width == 0 {
		return p.oversized
	}
	p.oversized = f.Width*f.Height > media.MaxPixels
	if p.oversized && (p.toldLarge == 0 || now-p.toldLarge >= oversizedInterval) {
		p.toldLarge = now
		m.report("frame_too_large", fmt.Sprintf(
			"the publisher's frames of %d×%d are larger than %d×%d and left out; publish a smaller size", f.Width, f.Height, media.MaxWidth, media.MaxHeight))
	}
	return p.oversized
}

// keyFrames is the one policy for key frame requests: the publisher is not asked
// again before it had time to send one.
type keyFrames struct {
	asked time.Duration // when one was last asked for; 0: never
}

func (m *Machine) askKeyFrame(now time.Duration) {
	k := &m.keyFrames
	if !m.publisher.present || k.asked > 0 && now-k.asked < keyFramePatience {
		return
	}
	k.asked = now
	m.do(Action{Do: AskKeyFrame})
}

// Waiting says what a start waits for.
type Waiting string

// What a start may wait for, in the order in which it comes.
const (
	ForPublisher  Waiting = "publisher"
	ForConnection Waiting = "connection"
	ForMedia      Waiting = "media"
	ForEncoder    Waiting = "encoder"
)

// Waiting says what is missing for the broadcast to be played.
func (m *Machine) Waiting() Waiting {
	switch p := &m.publisher; {
	case !p.present:
		return ForPublisher
	case !p.connected:
		return ForConnection
	case !p.heard:
		return ForMedia
	default:
		return ForEncoder
	}
}

// IsAway reports whether the publisher is not connected.
func (m *Machine) IsAway() bool { return !m.publisher.connected }

// IsIdle reports whether nothing can be missing yet: there is neither a publisher nor an
// encoder, and no viewer waits for one.
func (m *Machine) IsIdle() bool { return !m.publisher.present && !m.run.active && !m.started }
