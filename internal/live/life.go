package live

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
)

const (
	// recordInterval is how often the newest media time is written to the store:
	// what a killed server's streams are billed to.
	recordInterval = 2 * time.Second
	// storePatience is how long the end of a stream is tried to be written.
	storePatience = 10 * time.Second
	// storeRetry is the pause between the tries.
	storeRetry = 250 * time.Millisecond
)

// run is the life of one stream: its loop, its end, and the time its window is
// held after that.
func (s *Server) run(st *stream) {
	if s.hasEnded(st) { // between the request's look at it and now
		close(st.done)
		s.forget(st.id)
		return
	}
	shelved := st.keep(s.ctx)
	defer shelved()
	end := s.runLoop(st)
	if err := st.presentation.End(); err != nil {
		st.log.Error("last chunk lost", "err", err)
	}
	// The end must be stored even while the server stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), storePatience)
	defer cancel()
	if err := s.closeWithPatience(ctx, st, end); err != nil {
		st.log.Error("end could not be stored; the next start of the server will close the stream", "err", err)
	}
	close(st.done)
	if !st.started.Load() {
		s.forget(st.id)
		return
	}
	select {
	case <-time.After(s.cfg.Window):
		s.forget(st.id)
	case <-s.ctx.Done():
	}
}

func (s *Server) hasEnded(st *stream) bool {
	stored, err := s.cfg.Store.Stream(s.ctx, st.account, sluice.StreamRef{ID: st.id})
	return errors.Is(err, sluice.ErrStreamNotFound) || err == nil && stored.Broadcast.EndedAt != nil
}

// runLoop runs the loop beside the stream's slow work, and makes a panic of
// either the end of this stream alone.
func (s *Server) runLoop(st *stream) (end ending) {
	group, ctx := errgroup.WithContext(s.ctx)
	end = ending{cause: sluice.EndFailed, at: st.wallNow(), why: whyFault}
	finished := errors.New("finished")
	group.Go(guarded(func() error { end = st.loop(ctx); return finished }))
	group.Go(guarded(func() error { st.chores.run(ctx); return nil }))
	group.Go(guarded(func() error { s.recordMedia(ctx, st); return nil }))
	if err := group.Wait(); err != nil && !errors.Is(err, finished) {
		st.log.Error("stream failed", "err", err)
		s.publishError(st.id, "stream_failed", whyFault)
	}
	return end
}

// closeWithPatience stores the end, again and again while the store is busy.
func (s *Server) closeWithPatience(ctx context.Context, st *stream, end ending) error {
	for {
		err := s.close(ctx, st.account, st.id, end)
		if sluice.AsError(err).Kind != sluice.KindUnavailable {
			return err
		}
		select {
		case <-time.After(storeRetry):
		case <-ctx.Done():
			return err
		}
	}
}

// close stores the end of a stream and tells it, once.
func (s *Server) close(ctx context.Context, account sluice.AccountID, id sluice.StreamID, end ending) error {
	var closed bool
	st, err := s.cfg.Store.UpdateStream(ctx, account, id, func(st *sluice.Stream) error {
		closed = st.Broadcast.EndedAt == nil
		if closed {
			st.Broadcast.Failure = end.why
		}
		return st.End(end.at, end.cause)
	})
	switch {
	case errors.Is(err, sluice.ErrStreamNotFound): // deleted meanwhile
		return nil
	case err != nil:
		return err
	case closed:
		s.publishState(sluice.EventEnded, st)
	}
	return nil
}

// recordMedia writes, every few seconds, how far a started broadcast has come.
func (s *Server) recordMedia(ctx context.Context, st *stream) {
	ticker := time.NewTicker(recordInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		// Fillers are not billed: no later than the publisher's newest frame.
		until := min(st.presentation.MediaEnd(), time.Duration(st.lastSeen.Load()))
		if !st.started.Load() || until == 0 {
			continue
		}
		if err := s.cfg.Store.RecordMedia(ctx, st.account, st.id, st.clock.WallTime(until)); err != nil {
			st.log.Warn("media time not recorded", "err", err)
		}
	}
}

// recordAway stores and tells whether the publisher is away.
func (s *Server) recordAway(ctx context.Context, rs *stream, away bool) {
	st, err := s.cfg.Store.UpdateStream(ctx, rs.account, rs.id, func(st *sluice.Stream) error {
		st.Broadcast.Away = away && st.IsLive()
		return nil
	})
	switch {
	case err != nil:
		rs.log.Warn("state not recorded", "err", err)
	case away:
		s.publishState(sluice.EventReconnecting, st)
	default:
		s.publishState(sluice.EventStarted, st)
	}
}
