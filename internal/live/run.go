package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/media"
)

// encoderDue reports whether an encoder shall run and does not.
func (s *stream) encoderDue(now time.Duration) bool {
	return s.encoder == nil && s.wanted > 0 && now >= s.wanted
}

// startEncoder starts a run whose first picture comes at media time t.
//
// The very first run begins a whole segment before the one that t falls into,
// with the first picture held back to there, so that a player that loads the
// manifests half a second later finds a complete segment. Later runs go on where
// the one before them stopped, unless that is so long ago that to fill the hole
// would take longer than to leave it.
func (s *stream) startEncoder(ctx context.Context, codec media.Codec, t time.Duration) {
	start := videoEnd(s.presentation.Snapshot())
	if first := start == 0; first || t-start > longestHold {
		n := sluice.SegmentNumber(t)
		start = sluice.SegmentStart(n - min(n, 1))
	}
	start = onFrameGrid(start)
	e := s.takeStandby() // the first run, which begins with a segment
	if e == nil {
		e = s.launch(ctx, start%sluice.SegmentDuration)
	}
	e.codec = codec
	now := s.now()
	s.encoder, s.feed, s.progressAt, s.runBegan = e, newFeed(start, e), now, now
	s.log.Info("run begins", "codec", codec, "start", start)
}

// launch starts an encoder's process, which waits for its first frame.
func (s *stream) launch(ctx context.Context, phase time.Duration) *encoder {
	// The run outlives a canceled ctx by the time it takes to write out the rest.
	ctx, kill := context.WithCancel(context.WithoutCancel(ctx))
	e := newEncoder(phase, kill, s.log)
	s.server.wg.Go(func() {
		defer kill()
		e.ended <- guarded(func() error {
			return e.run(ctx, &s.server.cfg, s.ladder, s.presentation)
		})()
	})
	return e
}

// standBy launches the encoder of the first run, so that a start need not wait
// for its process. What it costs meanwhile is some 10 MB of memory.
func (s *stream) standBy(ctx context.Context) {
	if s.encoder == nil && s.standby == nil && videoEnd(s.presentation.Snapshot()) == 0 {
		s.standby = s.launch(ctx, 0)
	}
}

// takeStandby is the encoder that stands by, or nil.
func (s *stream) takeStandby() *encoder {
	e := s.standby
	s.standby = nil
	select {
	case err := <-e.end():
		s.log.Warn("the encoder that stood by ended", "err", err)
		return nil
	default:
		return e
	}
}

// dismissStandby ends the encoder that still stands by, and waits for it.
func (s *stream) dismissStandby() {
	if s.standby == nil {
		return
	}
	s.standby.kill()
	end := <-s.standby.ended
	s.log.Debug("encoder dismissed unused", "end", end)
}

// longestHold is how far back a first picture is held at most: what a run that
// hung leaves open, and some more.
const longestHold = encoderPatience + 4*time.Second

// videoEnd is the media time up to which any video track is published: where all
// can go on together, each at a key frame.
func videoEnd(p *cmaf.Snapshot) time.Duration {
	var end time.Duration
	for _, t := range p.Video {
		end = max(end, t.MediaEnd())
	}
	return end
}

// onFrameGrid is the first picture time at or after t.
func onFrameGrid(t time.Duration) time.Duration {
	n := (int64(t)*sluice.FrameRate + int64(time.Second) - 1) / int64(time.Second)
	return time.Duration(n) * time.Second / sluice.FrameRate
}

// startWithoutVideo starts a run with the slate in place of a picture: for a
// publisher that sends sound only, or a started broadcast whose publisher is away
// or silent.
func (s *stream) startWithoutVideo(ctx context.Context, now time.Duration, away bool) {
	waits := !away && now-s.wanted <= videoHold
	heard := s.session != nil && s.session.hasMedia
	if waits || !heard && !s.started.Load() {
		return
	}
	const codec = media.VP8 // should video come in another one, a new run begins
	picture := s.slate(codec, now)
	if picture == nil {
		return
	}
	s.startEncoder(ctx, codec, now)
	s.feed.slate = picture
	s.feed.begin(now)
}

// slatePatience is how long a slate may take to be made before it is asked for
// again.
const slatePatience = 10 * time.Second

// slate is a codec's slate as far as the loop knows it.
type slate struct {
	picture []byte        // nil until it is made
	asked   time.Duration // when it was last asked for
}

// slate is the slate of a codec, or nil while it is being made in the background.
func (s *stream) slate(codec media.Codec, now time.Duration) []byte {
	have, known := s.slates[codec]
	if have.picture != nil || known && now-have.asked < slatePatience {
		return have.picture
	}
	s.slates[codec] = slate{asked: now}
	s.chores.do(func(ctx context.Context) {
		picture, err := s.server.slates.get(ctx, codec)
		if err != nil {
			s.log.Warn("no slate can be made", "codec", codec, "err", err)
			return
		}
		_ = s.do(ctx, func() { s.slates[codec] = slate{picture: picture} }) // the stream may have ended
	})
	return nil
}

// encoderEnded decides what follows the end of a run: another run, after a
// pause that grows, or the end of the stream.
func (s *stream) encoderEnded(err error) ending {
	closed, tooSlow := s.encoder.closed, s.encoder.tooSlow
	s.encoder, s.feed = nil, nil
	now := s.now()
	s.askKeyFrame(now)
	if err == nil || closed {
		return s.codecChanged(now)
	}
	if tooSlow {
		s.server.publishError(s.id, "encoder_too_slow",
			"the server is too slow for this stream, and some of it was left out; use a lower quality, or a machine with more cores")
		s.wanted = now
		return ending{}
	}
	s.log.Error("encoder failed", "err", err)
	pause, ok := s.attempts.next(now)
	if !ok {
		why := "the encoder failed again and again (" + describe(err) + "); the server's log says why, and `sluice doctor` may"
		s.server.publishError(s.id, "encoder_failed", why)
		return ending{cause: sluice.EndFailed, at: s.wallNow(), why: why}
	}
	again := "at once"
	if pause > 0 {
		again = fmt.Sprintf("in %v", pause)
	}
	s.server.publishError(s.id, "encoder_restarted", fmt.Sprintf("%s; it starts again %s", describe(err), again))
	s.wanted = now + pause
	return ending{}
}

// shortestRun is how long after the begin of a run the next one may begin that
// a change of codec demands: each costs a process.
const shortestRun = 2 * time.Second

// codecChanged lets a run in the new codec follow, or ends the stream when the
// codec never stays.
func (s *stream) codecChanged(now time.Duration) ending {
	pause, ok := s.changes.next(now)
	if !ok {
		const why = "the publisher changed its video codec again and again; publish in one codec"
		s.server.publishError(s.id, "codec_unstable", why)
		return ending{cause: sluice.EndFailed, at: s.wallNow(), why: why}
	}
	s.wanted = max(now+pause, s.runBegan+shortestRun)
	return ending{}
}

// describe is what the events say of a run that failed. What FFmpeg wrote is for
// the log alone: it repeats bytes of the publisher, and anybody reads events.
func describe(err error) string {
	if _, ours := errors.AsType[*panicError](err); ours {
		return whyFault
	}
	if errors.Is(err, errEncoderEnded) {
		return "the encoder ended unexpectedly"
	}
	return "the encoder does not work"
}

// encoderPatience is how long a run may write nothing before it counts as hung.
// It is far above what a machine under load takes, and below a viewer's patience.
const encoderPatience = 8 * time.Second

// watchEncoder kills a run that hangs; what follows is as after a crash.
func (s *stream) watchEncoder(now time.Duration) {
	if s.encoder == nil {
		return
	}
	if n := s.encoder.dropped.Load(); n > s.encoder.toldDropped && now-s.encoder.toldAt >= time.Second {
		s.log.Warn("encoder is too slow, frames are dropped", "frames", n-s.encoder.toldDropped)
		s.encoder.toldDropped, s.encoder.toldAt = n, now
	}
	if end := videoEnd(s.presentation.Snapshot()); end != s.progress {
		s.progress, s.progressAt = end, now
	}
	switch {
	case now-s.progressAt > encoderPatience:
		s.log.Error("encoder hangs, killing it", "media", s.progress)
		s.progressAt = now
		s.encoder.kill()
	case s.progress > 0 && now-s.progress > maxLag && !s.encoder.tooSlow:
		s.log.Error("encoder is too slow for this machine, skipping to now", "behind", now-s.progress)
		s.encoder.tooSlow = true
		s.encoder.kill()
	}
}

// maxLag is how far the encoder's output may fall behind. FFmpeg makes up for
// dropped pictures by repeating others, so one that is too slow never catches up:
// it is ended, and the next run leaves a hole behind it.
const maxLag = longestHold + 4*time.Second

// stopEncoder ends the run and waits for it; the run is killed when it takes too
// long.
func (s *stream) stopEncoder() {
	if s.encoder == nil {
		return
	}
	s.encoder.close()
	if err := <-s.encoder.ended; err != nil {
		s.log.Warn("encoder did not end well", "err", err)
	}
	s.encoder, s.feed = nil, nil
}

// attempts counts encoder failures in a row, to pause longer after each and to
// give up in the end.
type attempts struct {
	count int
	last  time.Duration
}

const (
	maxAttempts   = 8
	attemptsReset = time.Minute // without a failure for so long, the count begins anew
)

func (a *attempts) next(now time.Duration) (pause time.Duration, again bool) {
	if now-a.last > attemptsReset {
		a.count = 0
	}
	a.last = now
	a.count++
	if a.count > maxAttempts {
		return 0, false
	}
	if a.count == 1 {
		return 0, true
	}
	return min(100*time.Millisecond<<a.count, 5*time.Second), true
}
