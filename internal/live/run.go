package live

import (
	"context"
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
// the one before them stopped.
func (s *stream) startEncoder(ctx context.Context, codec media.Codec, t time.Duration) {
	start := videoEnd(s.presentation.Snapshot())
	if start == 0 {
		n := sluice.SegmentNumber(t)
		start = sluice.SegmentStart(n - min(n, 1))
	}
	start = onFrameGrid(start)
	// The run outlives a canceled ctx by the time it takes to write out the rest.
	ctx, kill := context.WithCancel(context.WithoutCancel(ctx))
	e := newEncoder(codec, start, kill, s.log)
	s.encoder, s.feed, s.progressAt = e, newFeed(start, e), s.now()
	s.encoderEnd = make(chan error, 1)
	end := s.encoderEnd
	s.server.wg.Go(func() {
		defer kill()
		end <- guarded(func() error {
			return e.run(ctx, s.server.cfg.FFmpeg, s.server.cfg.Preset, s.ladder, s.presentation)
		})()
	})
	s.makeSlate(codec)
}

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

// startWithoutVideo starts a run for a publisher that sends no picture, with the
// slate in place of one.
func (s *stream) startWithoutVideo(ctx context.Context, now time.Duration) {
	const codec = media.VP8 // should video come in another one, a new run begins
	slate := s.slates[codec]
	if slate == nil {
		s.makeSlate(codec)
		return
	}
	s.startEncoder(ctx, codec, now)
	s.feed.slate = slate
	s.feed.begin(now)
}

// makeSlate has the slate of a codec made, once, in the background.
func (s *stream) makeSlate(codec media.Codec) {
	if _, asked := s.slates[codec]; asked {
		return
	}
	s.slates[codec] = nil
	s.chores.do(func(ctx context.Context) {
		slate, err := s.server.slates.get(ctx, codec)
		if err != nil {
			s.log.Warn("no slate can be made; the last picture stands instead", "codec", codec, "err", err)
			return
		}
		_ = s.do(ctx, func() { s.slates[codec] = slate })
	})
}

// encoderEnded decides what follows the end of a run: another run, after a
// pause that grows, or the end of the stream.
func (s *stream) encoderEnded(err error) ending {
	closed := s.encoder.closed
	s.encoder, s.feed, s.encoderEnd = nil, nil, nil
	now := s.now()
	s.askKeyFrame(now)
	if err == nil || closed {
		s.wanted = now
		return ending{}
	}
	s.log.Error("encoder failed", "err", err)
	pause, ok := s.attempts.next(now)
	if !ok {
		const why = "the encoder failed again and again; the server's log says why, `sluice doctor` may help"
		s.server.publishError(s.id, "encoder_failed", why)
		return ending{cause: sluice.EndFailed, at: s.server.now(), why: why}
	}
	again := "at once"
	if pause > 0 {
		again = fmt.Sprintf("in %v", pause)
	}
	s.server.publishError(s.id, "encoder_restarted", "the encoder stopped unexpectedly; it starts again "+again)
	s.wanted = now + pause
	return ending{}
}

// encoderPatience is how long a run may write nothing before it counts as hung.
// It is far above what a machine under load takes, and below a viewer's patience.
const encoderPatience = 8 * time.Second

// watchEncoder kills a run that hangs; what follows is as after a crash.
func (s *stream) watchEncoder(now time.Duration) {
	if s.encoder == nil {
		return
	}
	if end := videoEnd(s.presentation.Snapshot()); end != s.progress {
		s.progress, s.progressAt = end, now
	}
	if now-s.progressAt > encoderPatience {
		s.log.Error("encoder hangs, killing it", "media", s.progress)
		s.progressAt = now
		s.encoder.kill()
	}
}

// stopEncoder ends the run and waits for it; the run is killed when it takes too
// long.
func (s *stream) stopEncoder() {
	if s.encoder == nil {
		return
	}
	s.encoder.close()
	err := <-s.encoderEnd
	if err != nil {
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
