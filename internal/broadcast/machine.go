// Package broadcast has the rules of one broadcast as a state machine: what
// follows when a publisher comes and goes, when the encoder fails, hangs or lags,
// and when nothing comes at all. It has no clock, no goroutine and no I/O: time is
// an argument, and what is to be done is returned.
//
// All times are media time: durations on the stream clock.
package broadcast

import (
	"time"

	"github.com/sluicelive/sluice"
)

// Config bounds how long a broadcast waits for its publisher.
type Config struct {
	// ReconnectWindow is how long a started broadcast waits for a publisher that
	// went away. Zero ends it at the first tick without one.
	ReconnectWindow time.Duration
	// PrepareTimeout is how long a broadcast that was not started waits for one.
	PrepareTimeout time.Duration
}

// Machine is the state of one broadcast. The zero value is not usable: see New. It
// belongs to one goroutine.
type Machine struct {
	config    Config
	started   bool // viewers may come
	ended     bool
	requested time.Duration // since when an encoder is requested; 0: it is not
	publisher publisher
	keyFrames keyFrames
	run       run
	failures  attempts // runs that failed
	changes   attempts // runs that ended because the publisher changed its codec
	actions   []Action // of the current step
}

// New returns the machine of a broadcast that was prepared at now and has no
// publisher.
func New(config Config, now time.Duration) *Machine {
	return &Machine{config: config, publisher: publisher{idleSince: now}}
}

// Step takes one input at now and returns what is to be done, in order. The slice
// is valid until the next call. After End nothing follows.
func (m *Machine) Step(in Input, now time.Duration) []Action {
	m.actions = m.actions[:0]
	if m.ended {
		return nil
	}
	switch in := in.(type) {
	case Requested:
		m.request(now)
	case Started:
		m.started = true
	case Offered:
		m.publisher.replace(now)
	case Connected:
		m.onConnected()
	case Disconnected:
		m.publisher.disconnect(now)
	case Closed:
		m.onClosed(now)
	case AudioFrame:
		m.publisher.record(in.Arrived)
		if m.run.active {
			m.do(Action{Do: Feed})
		}
	case VideoFrame:
		m.publisher.record(in.Arrived)
		m.video(in, now)
	case KeyFrameNeeded:
		m.askKeyFrame(now)
	case StandbyExited:
		m.run.standby = false
	case EncoderExited:
		m.encoderExited(in, now)
	case Tick:
		m.tick(in, now)
	case EndRequested:
		m.end(in.Cause, now, in.Why)
	}
	return m.actions
}

func (m *Machine) do(a Action) { m.actions = append(m.actions, a) }

func (m *Machine) report(code, text string) { m.do(Action{Do: Report, Code: code, Text: text}) }

func (m *Machine) end(cause sluice.EndCause, at time.Duration, why string) {
	m.ended = true
	m.do(Action{Do: End, Cause: cause, At: at, Text: why})
}

// request asks for an encoder. It starts with the publisher's next key frame.
func (m *Machine) request(now time.Duration) {
	if m.requested == 0 {
		m.requested = now
	}
}

// tick does what is due and ends what has taken too long.
func (m *Machine) tick(in Tick, now time.Duration) {
	m.tellAway()
	if m.encoderDue(now) {
		m.askKeyFrame(now)
		m.startWithoutVideo(now)
	}
	m.watchEncoder(in.Published, now)
	if m.publisher.connected {
		return
	}
	idle := now - m.publisher.idleSince
	switch {
	case m.started && idle > m.config.ReconnectWindow:
		// The time in which only the slate was shown is not billed.
		m.end(sluice.EndPublisherGone, m.publisher.lastFrame, "")
	case !m.started && idle > m.config.PrepareTimeout:
		m.end(sluice.EndNeverStarted, now, "")
	}
}
