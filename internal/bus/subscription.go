package bus

import "github.com/sluicelive/sluice"

// How many events a subscriber may lag behind before it is cut off. A stream sends
// a handful of state events a minute, and a session some tens of candidates at
// once, so one that lags this far does not read at all.
const (
	stateQueue     = 16
	candidateQueue = 64
)

// Subscription is one subscriber's place on the bus.
type Subscription struct {
	bus        *Bus
	stream     sluice.StreamID
	candidates bool
	events     chan sluice.Event
}

// Events yields the events in the order of their IDs. The channel is closed
// when the subscriber was too slow, when the stream is forgotten, and when the
// bus or the subscription is closed.
func (s *Subscription) Events() <-chan sluice.Event { return s.events }

// Close leaves the bus. It may be called more than once.
func (s *Subscription) Close() { s.bus.unsubscribe(s) }

func (s *Subscription) queueLength() int {
	if s.candidates {
		return candidateQueue
	}
	return stateQueue
}

func (s *Subscription) wants(e sluice.Event) bool {
	return s.candidates || e.Type != sluice.EventICECandidate
}

// offer queues an event and reports whether there was room. The bus's mutex is
// held, so it never waits.
func (s *Subscription) offer(e sluice.Event) bool {
	select {
	case s.events <- e:
		return true
	default:
		return false
	}
}
