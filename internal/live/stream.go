package live

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicelive/sluice"
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
	// keyFramePatience is how long a publisher gets to answer a request for a
	// key frame: browsers take 30 to 130 ms and the way there and back.
	keyFramePatience = 300 * time.Millisecond
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
	offers   chan struct{} // a token: one offer is answered at a time
	budget   offerBudget   // of who holds the token
	ending   chan ending   // asks the loop to end
	done     chan struct{} // closed when the stream has ended and is stored
	removing sync.Once
	removed  chan struct{} // closed when it was deleted: nothing of it is sent any more
	gone     chan struct{} // closed when nothing of it is held any more, also on disk
	started  atomic.Bool   // the broadcast was started: viewers may come
	lastSeen atomic.Int64  // media time of the newest frame of a publisher, ns

	isAway      atomic.Bool   // what the store and viewers are to be told
	awayChanged chan struct{} // asks for that; holds one

	// Owned by the loop.
	candidates candidates
	session    *session
	wanted     time.Duration // from when on an encoder shall run; 0: not yet
	keyAsked   time.Duration // when a key frame was last asked for
	oversized  bool          // the publisher's frames are larger than the encoder takes
	toldLarge  time.Duration // when that was last told
	feed       *feed
	encoder    *encoder
	runBegan   time.Duration // when the newest run did
	standby    *encoder      // launched before it is wanted
	progress   time.Duration // how far the encoder's output has come
	progressAt time.Duration // and when it last came further
	attempts   attempts
	changes    attempts // runs that ended since the publisher changed its codec
	slates     map[media.Codec]slate
	idleSince  time.Duration // since when no publisher is connected
	away       bool          // as the loop last saw it
	chores     *chores
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
	s.idleSince = s.now()
	for {
		if due := s.interval(); due != interval {
			interval = due
			ticker.Reset(interval)
		}
		in := s.session.inputs()
		var end ending
		select {
		case f := <-s.commands:
			f()
		case f := <-in.frames:
			s.session.taken(f)
			s.frame(ctx, f)
		case r := <-in.reports:
			s.session.mapper.SenderReport(r)
		case st := <-in.state:
			s.connection(ctx, st)
		case c := <-in.candidates:
			s.server.publishCandidate(s.id, s.session.conn.ID(), c)
		case err := <-s.encoder.end():
			end = s.encoderEnded(err)
		case err := <-s.standby.end():
			s.log.Warn("the encoder that stood by ended", "err", err)
			s.standby = nil // a run launches another
		case <-ticker.C:
			end = s.tick(ctx)
		case end = <-s.ending:
		case <-ctx.Done():
			end = s.canceled()
		}
		if end.cause != "" {
			return end
		}
	}
}

// interval is how often the loop looks for what is missing.
func (s *stream) interval() time.Duration {
	if s.session == nil && s.encoder == nil && !s.started.Load() {
		return idleInterval
	}
	return tickInterval
}

// canceled tells the end of the server from a failure beside the loop.
func (s *stream) canceled() ending {
	if s.server.ctx.Err() != nil {
		return ending{cause: sluice.EndShutdown, at: s.wallNow()}
	}
	return ending{cause: sluice.EndFailed, at: s.wallNow(), why: whyFault}
}

// frame places one frame of the publisher on the stream clock and feeds it.
func (s *stream) frame(ctx context.Context, f media.Frame) {
	arrived := s.clock.MediaTime(f.Arrived)
	t := s.session.mapper.Map(f.Codec, f.RTPTime, arrived)
	s.lastSeen.Store(int64(arrived))
	s.session.hasMedia = true
	if f.Codec.Kind() == media.Audio {
		if s.feed != nil {
			s.feed.audio(t, f.Data)
		}
		return
	}
	if s.tooLarge(f) {
		if !f.Key { // a publisher that made its frames smaller may send no key frame until asked
			s.askKeyFrame(s.now())
		}
		return
	}
	if s.session.order.note(f) {
		s.server.publishError(s.id, "b_frames",
			"the publisher sends B frames, most of which cannot be shown; turn them off in its encoder (x264: bframes=0 or tune zerolatency)")
	}
	if f.Key && s.encoderDue(s.now()) {
		s.startEncoder(ctx, f.Codec, t)
	}
	if s.encoder != nil && f.Codec != s.encoder.codec {
		s.encoder.close() // the next one starts with this codec
		return
	}
	if s.feed != nil && !s.feed.video(t, f.Key, f.Data) {
		s.askKeyFrame(s.now())
	}
}

// largePatience is how often at most a publisher is told that its frames are too
// large.
const largePatience = 10 * time.Second

// tooLarge reports whether a frame, or the key frame that it builds on, is more
// than the encoder takes, and tells the publisher. The broadcast goes on without
// these frames, up to a key frame that fits.
func (s *stream) tooLarge(f media.Frame) bool {
	if !f.Key {
		return s.oversized
	}
	width, height, known := media.FrameSize(f.Codec, f.Data)
	if !known {
		return s.oversized
	}
	s.oversized = width*height > media.MaxPixels
	if now := s.now(); s.oversized && (s.toldLarge == 0 || now-s.toldLarge >= largePatience) {
		s.toldLarge = now
		s.log.Warn("the publisher's frames are too large", "width", width, "height", height)
		s.server.publishError(s.id, "frame_too_large", fmt.Sprintf(
			"the publisher's frames of %d×%d are larger than %d×%d and left out; publish a smaller size", width, height, media.MaxWidth, media.MaxHeight))
	}
	return s.oversized
}

// askKeyFrame asks the publisher for a key frame, but not again before it had
// time to send one.
func (s *stream) askKeyFrame(now time.Duration) {
	if s.session != nil && now-s.keyAsked >= keyFramePatience {
		s.keyAsked = now
		s.session.conn.RequestKeyFrame()
	}
}

// connection follows the state of the publisher's connection.
func (s *stream) connection(ctx context.Context, st webrtc.State) {
	s.log.Info("publisher's connection changed", "session", s.session.conn.ID(), "state", st)
	switch st {
	case webrtc.Connecting:
	case webrtc.Connected:
		s.session.connected = true
		s.standBy(ctx)
		s.server.cfg.Bus.EndSession(s.id)
	case webrtc.Disconnected:
		s.session.connected = false
		s.idleSince = s.now()
	case webrtc.Failed, webrtc.Closed:
		if s.session.connected {
			s.idleSince = s.now()
		}
		s.closeSession()
	}
}

// install makes a new session the publisher; the one before it is let go.
func (s *stream) install(next *session) {
	s.closeSession()
	s.session, s.idleSince = next, s.now() // it has all the time to connect
	s.server.cfg.Bus.NewSession(s.id, next.conn.ID())
	for _, c := range s.candidates.take(s.server.now()) {
		s.offerCandidate(c)
	}
}

func (s *stream) offerCandidate(c sluice.ICECandidate) {
	if err := s.session.conn.AddCandidate(c); err != nil {
		s.log.Debug("candidate refused", "session", s.session.conn.ID(), "err", err)
	}
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

// tick fills the feed, and ends what has taken or waited too long.
func (s *stream) tick(ctx context.Context) ending {
	now := s.now()
	away := s.session == nil || !s.session.connected
	s.setAway(away)
	if s.encoderDue(now) {
		s.askKeyFrame(now)
		s.startWithoutVideo(ctx, now, away)
	}
	if s.feed != nil {
		s.feed.slate, s.feed.away = s.slate(s.encoder.codec, now), away
		s.feed.tick(now)
		if s.feed.asksKey(now) {
			s.askKeyFrame(now)
		}
	}
	if s.session != nil {
		s.session.drops.note(s.log, now, s.session.dropped.Load())
		if s.session.lost.Load() {
			s.askKeyFrame(now)
		}
	}
	s.watchEncoder(now)
	if !away {
		return ending{}
	}
	idle := now - s.idleSince
	switch {
	case s.started.Load() && idle > s.server.cfg.ReconnectWindow:
		return ending{cause: sluice.EndPublisherGone, at: s.clock.WallTime(time.Duration(s.lastSeen.Load()))}
	case !s.started.Load() && idle > s.server.cfg.PrepareTimeout:
		return ending{cause: sluice.EndNeverStarted, at: s.wallNow()}
	}
	return ending{}
}

// setAway tells viewers and the store, once per change, whether the publisher
// of a started broadcast is away.
func (s *stream) setAway(away bool) {
	if s.away == away || !s.started.Load() {
		return
	}
	s.away = away
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
