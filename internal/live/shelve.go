package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// keep puts the stream's segments on the shelf, if it has one, until the
// function it returns is called: then it takes them off again. When the server
// stops they stay, for viewers are still being served: they go with the folder.
func (s *stream) keep(server context.Context) (forget func()) {
	if s.shelf == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(server)
	var running sync.WaitGroup
	for _, track := range s.presentation.Tracks() {
		shelver := &shelver{track: track, shelf: s.shelf, log: s.log, nothing: true}
		running.Go(func() {
			if err := guarded(func() error { shelver.run(ctx); return nil })(); err != nil {
				s.log.Error("segments are no longer kept on disk", "err", err)
			}
		})
	}
	return func() {
		stop()
		running.Wait()
		if server.Err() != nil {
			return
		}
		if err := s.shelf.Clear(); err != nil {
			s.log.Warn("segments stay on disk until the next start", "err", err)
		}
	}
}

// shelver puts the segments of one track on the shelf while they are made, and
// takes off those that the window has let go.
type shelver struct {
	track *cmaf.Track
	shelf cmaf.Shelf
	log   *slog.Logger

	next    uint64 // first number that was not looked at
	oldest  uint64 // first number that was not dropped
	failed  int    // segments that could not be put since the last word about it
	warned  time.Time
	nothing bool // the track has not begun
}

// run returns when the track has ended and memory was let go, or with ctx.
func (s *shelver) run(ctx context.Context) {
	for ctx.Err() == nil {
		now := s.track.Snapshot()
		s.put(now)
		s.drop(now)
		if now.Ended {
			s.unload(ctx)
			return
		}
		select {
		case <-now.Changed():
		case <-ctx.Done():
		}
	}
}

// unload lets go of an ended track's memory, once nobody has a playlist any more
// that names parts: the shelf has whole segments only, and parts can be had for
// three target durations after they were listed (rfc8216bis, section 6.2.2).
func (s *shelver) unload(ctx context.Context) {
	select {
	case <-time.After(cmaf.DefaultKeep):
		s.track.Unload()
	case <-ctx.Done(): // the stream is let go, or the server stops: viewers are served to the end
	}
}

// put writes what is complete and new.
func (s *shelver) put(now *cmaf.TrackSnapshot) {
	for _, segment := range now.Complete() {
		if segment.Number < s.next {
			continue
		}
		s.next = segment.Number + 1
		if segment.Missing() {
			continue
		}
		if err := s.shelf.Put(now.Name, segment); err != nil {
			s.warn(now.Name, err)
			continue
		}
		s.track.NoteShelved(segment.Number)
	}
}

// warnEvery keeps a full disk from filling the log, too.
const warnEvery = time.Minute

// warn says that a segment was lost to the window, but not for each.
func (s *shelver) warn(track string, err error) {
	s.failed++
	if time.Since(s.warned) < warnEvery {
		return
	}
	s.log.Error("segments cannot be kept on disk: viewers will not be able to go back to them",
		"rendition", track, "segments", s.failed, "err", err)
	s.failed, s.warned = 0, time.Now()
}

// drop lets go of what the window no longer has.
func (s *shelver) drop(now *cmaf.TrackSnapshot) {
	if now.Last() == nil {
		return
	}
	if s.nothing {
		s.nothing, s.oldest = false, now.Oldest()
	}
	for ; s.oldest < now.Oldest(); s.oldest++ {
		if err := s.shelf.Drop(now.Name, s.oldest); err != nil {
			s.log.Warn("an old segment stays on disk", "rendition", now.Name, "err", err)
		}
	}
}
