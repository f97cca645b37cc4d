package live

import (
	"context"
	"errors"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/broadcast"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/media"
)

// beginRun starts a run as the machine says.
func (s *stream) beginRun(a broadcast.Action) {
	e := s.takeStandby() // the first run, which starts with a segment
	if e == nil {
		e = s.launch(a.At % sluice.SegmentDuration)
	}
	e.codec = a.Codec
	s.encoder, s.feed = e, newFeed(a.At, e)
	s.feed.slate = media.Slate(a.Codec)
	if a.Slate {
		s.feed.begin(s.now())
	}
	s.log.Info("run begins", "codec", a.Codec, "start", a.At)
}

// launch starts an encoder's process, which waits for its first frame.
//
//nolint:contextcheck,nolintlint // it outlives what asks for it; read where it is called
func (s *stream) launch(phase time.Duration) *encoder {
	// The run outlives the server's context by the time it takes to write out the rest.
	ctx, kill := context.WithCancel(context.WithoutCancel(s.server.ctx))
	e := newEncoder(phase, kill, s.log)
	s.server.wg.Go(func() {
		defer kill()
		e.ended <- guarded(func() error {
			return e.run(ctx, &s.server.cfg, s.ladder, s.presentation)
		})()
	})
	return e
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

// videoEnd is the media time up to which any video track is published: where all
// can go on together, each at a key frame.
func videoEnd(p *cmaf.Snapshot) time.Duration {
	var end time.Duration
	for _, t := range p.Video {
		end = max(end, t.MediaEnd())
	}
	return end
}

// encoderEnded tells the machine that the run has ended.
func (s *stream) encoderEnded(err error) {
	exited := broadcast.EncoderExited{Published: videoEnd(s.presentation.Snapshot())}
	if err != nil {
		exited.Failure = describe(err)
		if !s.encoder.closed {
			s.log.Error("encoder failed", "err", err)
		}
	}
	s.encoder, s.feed = nil, nil
	s.step(exited)
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
