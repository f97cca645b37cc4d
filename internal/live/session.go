package live

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/rtpclock"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// arrivals bounds the frames of one session that wait for its stream's loop, some
// two seconds of them, and arrivalBytes what they hold: two of the largest.
const (
	arrivals     = 256
	arrivalBytes = 8 << 20
)

// candidatesKept bounds our candidates that wait for a stream's loop.
const candidatesKept = 64

// session is one publisher's connection as its stream sees it. It implements
// webrtc.Receiver, whose methods are called from the connection's goroutines;
// the other methods and fields belong to the stream's loop.
type session struct {
	conn   *webrtc.Session
	mapper rtpclock.Mapper

	frames  chan media.Frame
	reports chan media.SenderReport
	state   chan webrtc.State // the newest only
	waiting atomic.Int64      // bytes in frames
	lost    atomic.Bool       // video frames were dropped: go on at a key frame
	dropped atomic.Uint64     // frames that found no place
	drops   dropLog

	candidates chan sluice.ICECandidate // ours, for the publisher

	order frameOrder
}

func newSession() *session {
	return &session{
		frames:     make(chan media.Frame, arrivals),
		reports:    make(chan media.SenderReport, 8),
		state:      make(chan webrtc.State, 1),
		candidates: make(chan sluice.ICECandidate, candidatesKept),
	}
}

// Frame implements webrtc.Receiver. A frame that finds no place is dropped, and so
// are all video frames after it up to a key frame.
func (s *session) Frame(f media.Frame) {
	video := f.Codec.Kind() == media.Video
	if s.lost.Load() && video && !f.Key {
		s.dropped.Add(1)
		return
	}
	if s.enqueue(f) {
		if video {
			s.lost.Store(false)
		}
		return
	}
	s.dropped.Add(1)
	if video {
		s.lost.Store(true)
	}
}

func (s *session) enqueue(f media.Frame) bool {
	size := int64(len(f.Data))
	if s.waiting.Add(size) <= arrivalBytes {
		select {
		case s.frames <- f:
			return true
		default:
		}
	}
	s.waiting.Add(-size)
	return false
}

// taken says that a frame has left the queue.
func (s *session) taken(f media.Frame) { s.waiting.Add(-int64(len(f.Data))) }

// dropLog logs the frames that were dropped, at most once a second.
type dropLog struct {
	logged uint64
	at     time.Duration
}

func (d *dropLog) note(log *slog.Logger, now time.Duration, dropped uint64) {
	if dropped == d.logged || d.logged > 0 && now-d.at < time.Second {
		return
	}
	log.Warn("frames of the publisher dropped: its stream takes them too slowly", "frames", dropped-d.logged)
	d.logged, d.at = dropped, now
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

// enoughBack is how many frames must be shown before their predecessor for it to
// be the encoder's way: RTP time that jumps goes back once.
const enoughBack = 10

// frameOrder finds out whether a publisher sends B frames: they come in another
// order than they are shown in, which the feed does not mend.
type frameOrder struct {
	last uint32 // RTP time of the newest frame
	back int    // frames shown before their predecessor
}

// note says, once, that there are B frames. Of the codecs that are taken, only
// H.264 has them.
func (o *frameOrder) note(f media.Frame) (found bool) {
	behind := int32(f.RTPTime - o.last) // the wrap is meant
	o.last = f.RTPTime
	if f.Codec != media.H264 || behind >= 0 || behind < -int32(f.Codec.ClockRate()) {
		return false
	}
	o.back++
	return o.back == enoughBack
}
