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
	// storePatience is how long a server that stops tries to write the end of a
	// stream, and how long a call waits for that.
	storePatience = 10 * time.Second
	// storeRetry is the first pause between the tries, and storeRetryMost the longest:
	// a store that is down for long is not helped by more of them.
	storeRetry     = 250 * time.Millisecond
	storeRetryMost = 4 * time.Second
)

// retryPause is the newest pause between tries; 0 before the first.
type retryPause time.Duration

// next is the pause that follows, twice as long.
func (p *retryPause) next() time.Duration {
	*p = max(retryPause(storeRetry), min(2*(*p), retryPause(storeRetryMost)))
	return time.Duration(*p)
}

// run is the life of one stream: its loop, its end, and the time its window is
// held after that.
func (s *Server) run(st *stream) {
	defer close(st.gone)
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
	if err := s.closeWithPatience(st, end); err != nil {
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
	case <-st.removed:
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
	group.Go(guarded(func() error { s.recordMedia(ctx, st); return nil }))
	group.Go(guarded(func() error { s.recordAways(ctx, st); return nil }))
	if err := group.Wait(); err != nil && !errors.Is(err, finished) {
		st.log.Error("stream failed", "err", err)
		s.publishError(st.id, "stream_failed", whyFault)
	}
	return end
}

// closeWithPatience stores the end, again and again until that succeeds: a
// stream that is over must not be open, and billed, until the next start. Only a
// server that stops gives up.
func (s *Server) closeWithPatience(st *stream, end ending) error {
	ctx := context.WithoutCancel(s.ctx) // the end must be stored even while the server stops
	stopping := s.ctx.Done()
	var giveUp <-chan time.Time // never, until the server stops
	var pause retryPause
	for {
		err := s.close(ctx, st.account, st.id, end)
		if err == nil {
			return nil
		}
		if pause == 0 {
			st.log.Warn("end not stored yet; trying again until it is", "err", err)
		}
		select {
		case <-time.After(pause.next()):
		case <-stopping:
			stopping, giveUp, pause = nil, time.After(storePatience), retryPause(storeRetry)
		case <-giveUp:
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
	failing := false
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
		err := s.cfg.Store.RecordMedia(ctx, st.account, st.id, st.clock.WallTime(until))
		if err != nil && !failing {
			st.log.Warn("media time not recorded yet; trying again until it is", "err", err)
		}
		failing = err != nil
	}
}

// recordAways stores and tells whether the publisher is away. What the store
// does not take is tried again until it does, or until the opposite is true.
func (s *Server) recordAways(ctx context.Context, st *stream) {
	var told bool
	for {
		select {
		case <-st.awayChanged:
		case <-ctx.Done():
			return
		}
		var pause retryPause
		for st.isAway.Load() != told {
			away := st.isAway.Load()
			err := s.recordAway(ctx, st, away)
			if err == nil || errors.Is(err, sluice.ErrStreamNotFound) { // deleted meanwhile
				told, pause = away, 0
				continue
			}
			if pause == 0 {
				st.log.Warn("state not recorded yet; trying again until it is", "err", err)
			}
			select {
			case <-time.After(pause.next()):
			case <-st.awayChanged: // it may be back, which is told at once
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *Server) recordAway(ctx context.Context, rs *stream, away bool) error {
	st, err := s.cfg.Store.UpdateStream(ctx, rs.account, rs.id, func(st *sluice.Stream) error {
		st.Broadcast.Away = away && st.IsLive()
		return nil
	})
	switch {
	case err != nil:
		return err
	case !st.IsLive(): // it ended meanwhile, which was told
	case away:
		s.publishState(sluice.EventReconnecting, st)
	default:
		s.publishState(sluice.EventStarted, st)
	}
	return nil
}
