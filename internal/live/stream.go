package live

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/broadcast"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dvr"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc"
)

const (
	// tickInterval is how often the loop looks for what is missing.
	tickInterval = 20 * time.Millisecond
	// idleInterval is how often while nothing can be missing: without a publisher
	// and an encoder.
	idleInterval = time.Second
)

// stream is a prepared or live stream: one goroutine, its loop, owns the
// publisher's session, the feed and the encoder. Other goroutines reach them
// through do.
type stream struct {
	server       *Server
	id           sluice.StreamID
	account      sluice.AccountID
	clock        sluice.Clock
	ladder       sluice.Ladder
	presentation *cmaf.Presentation
	shelf        *dvr.Shelf // nil when memory holds all
	log          *slog.Logger

	commands chan func()
	offers   chan struct{}        // a token: one offer is answered at a time
	budget   offerBudget          // of who holds the token
	ending   chan sluice.EndCause // asks the loop to end
	done     chan struct{}        // closed when the stream has ended and is stored
	removing sync.Once
	removed  chan struct{} // closed when it was deleted: nothing of it is sent any more
	gone     chan struct{} // closed when nothing of it is held any more, also on disk
	started  atomic.Bool   // the broadcast was started: viewers may come
	lastSeen atomic.Int64  // media time of the newest frame of a publisher, ns

	isAway      atomic.Bool   // what the store and viewers are to be told
	awayChanged chan struct{} // asks for that; holds one

	// Owned by the loop.
	machine *broadcast.Machine
	result  ending // set when the machine ends the broadcast
	session *session
	inHand  placedFrame // the frame that the machine decides on
	feed    *feed
	encoder *encoder
	standby *encoder // launched before it is needed
}

// placedFrame is a frame of the publisher on the stream clock.
type placedFrame struct {
	media.Frame
	at time.Duration
}

// ending is why and as of when a stream shall end.
type ending struct {
	cause sluice.EndCause
	at    time.Time
	why   string // for the user, with EndFailed
}

// do runs f in the loop and waits for it.
func (s *stream) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case s.commands <- func() { f(); close(ran) }:
	case <-s.done:
		return errEnded(s.id)
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-ran:
		return nil
	case <-s.done:
		return errEnded(s.id)
	}
}

// now is the media time now.
func (s *stream) now() time.Duration { return s.clock.MediaTime(s.server.now()) }

// wallNow is the wall time now on the stream clock, which a stepped system clock
// does not move: what is billed is what ran.
func (s *stream) wallNow() time.Time { return s.clock.WallTime(s.now()).Round(0) }

// loop runs the stream until it shall end, and says why. It returns when its
// encoder has ended.
func (s *stream) loop(ctx context.Context) ending {
	interval := idleInterval
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	defer s.stopEncoder()
	defer s.dismissStandby()
	defer s.closeSession()
	for s.result.cause == "" {
		if due := s.interval(); due != interval {
			interval = due
			ticker.Reset(interval)
		}
		in := s.session.inputs()
		select {
		case f := <-s.commands:
			f()
		case f := <-in.frames:
			s.session.taken(f)
			s.frame(f)
		case r := <-in.reports:
			s.session.mapper.SenderReport(r)
		case st := <-in.state:
			s.connection(st)
		case c := <-in.candidates:
			s.server.publishCandidate(s.id, s.session.conn.ID(), c)
		case err := <-s.encoder.end():
			s.encoderEnded(err)
		case err := <-s.standby.end():
			s.log.Warn("the encoder that stood by ended", "err", err)
			s.standby = nil
			s.step(broadcast.StandbyExited{})
		case <-ticker.C:
			s.tick()
		case cause := <-s.ending:
			s.step(broadcast.EndRequested{Cause: cause})
		case <-ctx.Done():
			s.step(s.canceled())
		}
	}
	return s.result
}

// interval is how often the loop looks for what is missing.
func (s *stream) interval() time.Duration {
	if s.machine.IsIdle() && !s.started.Load() {
		return idleInterval
	}
	return tickInterval
}

// canceled tells the end of the server from a failure in another goroutine.
func (s *stream) canceled() broadcast.EndRequested {
	if s.server.ctx.Err() != nil {
		return broadcast.EndRequested{Cause: sluice.EndShutdown}
	}
	return broadcast.EndRequested{Cause: sluice.EndFailed, Why: whyFault}
}

// step gives the machine an input and does what it says.
func (s *stream) step(in broadcast.Input) {
	needsKey := false
	for _, a := range s.machine.Step(in, s.now()) {
		if a.Do == broadcast.Feed {
			needsKey = !s.feedFrame()
			continue
		}
		s.act(a)
	}
	if needsKey {
		s.step(broadcast.KeyFrameNeeded{})
	}
}

// act does what the machine says, but for Feed.
func (s *stream) act(a broadcast.Action) {
	switch a.Do {
	case broadcast.Feed: // step does
	case broadcast.LaunchStandby:
		s.standby = s.launch(0)
	case broadcast.BeginRun:
		s.beginRun(a)
	case broadcast.CloseInput:
		s.encoder.close()
	case broadcast.KillEncoder:
		s.log.Error("killing the encoder", "why", a.Text)
		s.encoder.kill()
	case broadcast.AskKeyFrame:
		s.session.conn.RequestKeyFrame()
	case broadcast.CloseSession:
		s.closeSession()
	case broadcast.SaveAway:
		s.setAway(a.Away)
	case broadcast.Report:
		s.log.Warn("users are told of an error", "code", a.Code, "message", a.Text)
		s.server.publishError(s.id, a.Code, a.Text)
	case broadcast.End:
		s.result = ending{cause: a.Cause, at: s.clock.WallTime(a.At).Round(0), why: a.Text}
	}
}

// frame places one frame of the publisher on the stream clock.
func (s *stream) frame(f media.Frame) {
	arrived := s.clock.MediaTime(f.Arrived)
	s.lastSeen.Store(int64(arrived))
	s.inHand = placedFrame{f, s.session.mapper.Map(f.Codec, f.RTPTime, arrived)}
	defer func() { s.inHand = placedFrame{} }() // large frames are not held for longer
	if f.Codec.Kind() == media.Audio {
		s.step(broadcast.AudioFrame{Arrived: arrived})
		return
	}
	if s.session.order.note(f) {
		s.server.publishError(s.id, "b_frames",
			"the publisher sends B frames, most of which cannot be shown; turn them off in its encoder (x264: bframes=0 or tune zerolatency)")
	}
	in := broadcast.VideoFrame{Codec: f.Codec, Key: f.Key, Time: s.inHand.at, Arrived: arrived}
	if f.Key {
		in.Width, in.Height, _ = media.FrameSize(f.Codec, f.Data) // 0 where it says nothing
	}
	s.step(in)
}

// feedFrame gives the frame that arrived to the encoder. It is not ok when a key
// frame is needed first.
func (s *stream) feedFrame() (ok bool) {
	if s.inHand.Codec.Kind() == media.Audio {
		s.feed.audio(s.inHand.at, s.inHand.Data)
		return true
	}
	return s.feed.video(s.inHand.at, s.inHand.Key, s.inHand.Data)
}

// connection follows the state of the publisher's connection.
func (s *stream) connection(st webrtc.State) {
	s.log.Info("publisher's connection changed", "session", s.session.conn.ID(), "state", st)
	switch st {
	case webrtc.Connecting:
	case webrtc.Connected:
		s.step(broadcast.Connected{})
		s.server.cfg.Bus.EndSession(s.id)
	case webrtc.Disconnected:
		s.step(broadcast.Disconnected{})
	case webrtc.Failed, webrtc.Closed:
		s.step(broadcast.Closed{})
	}
}

// install makes a new session the publisher and closes the one before it.
func (s *stream) install(next *session) {
	s.closeSession()
	s.session = next
	s.step(broadcast.Offered{})
	s.server.cfg.Bus.NewSession(s.id, next.conn.ID())
}

// closeSession lets the publisher go. Its connection closes in the background:
// that takes a while, and the feed must not stand still.
func (s *stream) closeSession() {
	if s.session != nil {
		s.server.wg.Go(s.session.conn.Close)
		s.session = nil
		s.server.cfg.Bus.EndSession(s.id)
	}
}

// tick fills the feed, and lets the machine see what is due.
func (s *stream) tick() {
	now := s.now()
	if s.started.Load() {
		s.step(broadcast.Started{})
	}
	s.step(broadcast.Tick{Published: videoEnd(s.presentation.Snapshot())})
	if s.feed != nil {
		s.feed.away = s.machine.IsAway()
		s.feed.tick(now)
		if s.feed.asksKey(now) {
			s.step(broadcast.KeyFrameNeeded{})
		}
	}
	if s.session != nil {
		s.session.drops.note(s.log, now, s.session.dropped.Load())
		if s.session.lost.Load() {
			s.step(broadcast.KeyFrameNeeded{})
		}
	}
	if s.encoder != nil {
		s.encoder.logDropped(now)
	}
}

// setAway has viewers and the store told whether the publisher is away.
func (s *stream) setAway(away bool) {
	s.isAway.Store(away)
	select {
	case s.awayChanged <- struct{}{}:
	default: // it was asked for already, and the newest counts
	}
}

// remove takes the stream's media off the air, whatever else still runs.
func (s *stream) remove() {
	s.removing.Do(func() {
		close(s.removed)
		s.presentation.Remove()
	})
}

func (s *stream) isRemoved() bool {
	select {
	case <-s.removed:
		return true
	default:
		return false
	}
}
