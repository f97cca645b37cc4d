package live

import (
	"sync/atomic"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/rtpclock"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// arrivals bounds the frames of one session that wait for its stream's loop:
// some two seconds of pictures and sound.
const arrivals = 256

// session is one publisher's connection as its stream sees it. It implements
// webrtc.Receiver, whose methods are called from the connection's goroutines;
// the other methods and fields belong to the stream's loop.
type session struct {
	conn   *webrtc.Session
	mapper rtpclock.Mapper

	frames  chan media.Frame
	reports chan media.SenderReport
	state   chan webrtc.State // the newest only
	lost    atomic.Bool       // pictures were dropped: go on at a key frame

	candidates chan sluice.ICECandidate // ours, for the publisher

	connected bool
	hasMedia  bool // a frame came
}

func newSession() *session {
	return &session{
		frames:     make(chan media.Frame, arrivals),
		reports:    make(chan media.SenderReport, 8),
		state:      make(chan webrtc.State, 1),
		candidates: make(chan sluice.ICECandidate, maxWaiting),
	}
}

// Frame implements webrtc.Receiver.
func (s *session) Frame(f media.Frame) {
	if s.lost.Load() && f.Codec.Kind() == media.Video && !f.Key {
		return
	}
	select {
	case s.frames <- f:
		if f.Codec.Kind() == media.Video {
			s.lost.Store(false)
		}
	default:
		if f.Codec.Kind() == media.Video {
			s.lost.Store(true)
		}
	}
}

// SenderReport implements webrtc.Receiver. A report that finds no place is left
// out: the next comes soon.
func (s *session) SenderReport(r media.SenderReport) {
	select {
	case s.reports <- r:
	default:
	}
}

// Candidate implements webrtc.Receiver. One that finds no place is left out: the
// answer has them all.
func (s *session) Candidate(c sluice.ICECandidate) {
	select {
	case s.candidates <- c:
	default:
	}
}

// State implements webrtc.Receiver. An older state that nobody has read yet
// gives way.
func (s *session) State(st webrtc.State) {
	for {
		select {
		case s.state <- st:
			return
		default:
		}
		select {
		case <-s.state:
		default:
		}
	}
}

// inputs are the channels a loop reads from a session.
type inputs struct {
	frames     <-chan media.Frame
	reports    <-chan media.SenderReport
	state      <-chan webrtc.State
	candidates <-chan sluice.ICECandidate
}

// inputs of no session are nil channels, which never deliver.
func (s *session) inputs() inputs {
	if s == nil {
		return inputs{}
	}
	return inputs{s.frames, s.reports, s.state, s.candidates}
}
