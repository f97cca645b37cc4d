package live

import (
	"context"
	"errors"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/broadcast"
	"github.com/sluicelive/sluice/internal/webrtc"
)

var errStopping = sluice.Errorf(sluice.KindUnavailable, "server_stopping", "the server is stopping; try again in a few seconds")

func errEnded(id sluice.StreamID) error {
	return sluice.Errorf(sluice.KindState, "stream_ended", "stream %d has ended; create a new stream", id)
}

func errRemoved(id sluice.StreamID) error {
	return sluice.Errorf(sluice.KindGone, "stream_removed", "stream %d was deleted", id)
}

// Prepare makes a stream ready for a publisher. It is idempotent.
func (s *Server) Prepare(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error) {
	if err := s.checkQuota(account, id); err != nil {
		return nil, err
	}
	st, err := s.cfg.Store.UpdateStream(ctx, account, id, func(st *sluice.Stream) error {
		return st.Prepare(s.now())
	})
	if err != nil {
		return nil, err
	}
	_, begun, err := s.open(st) //nolint:contextcheck // a stream outlives the request that begins it
	if err != nil {
		return nil, err
	}
	if begun {
		s.publishState(sluice.EventReady, st)
	}
	return st, nil
}

// Init answers a publisher's SDP offer. A second one replaces the first: the
// manifests go on.
func (s *Server) Init(ctx context.Context, account sluice.AccountID, id sluice.StreamID, offer string) (string, error) {
	rs, err := s.publishable(ctx, account, id)
	if err != nil {
		return "", err
	}
	select {
	case rs.offers <- struct{}{}:
		defer func() { <-rs.offers }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if wait := rs.budget.take(s.now()); wait > 0 {
		return "", sluice.Errorf(sluice.KindTooMany, "too_many_offers",
			"stream %d gets more offers than a publisher needs; wait, and make one connection at a time", id).After(wait)
	}
	next := newSession()
	if next.conn, err = s.cfg.Ingest.Answer(ctx, offer, next); err != nil {
		return "", err
	}
	if err := rs.do(ctx, func() { rs.install(next) }); err != nil {
		next.conn.Close()
		return "", err
	}
	rs.log.Info("publisher's offer answered", "session", next.conn.ID())
	return next.conn.SDP(), nil
}

// AddCandidate checks a publisher's ICE candidate, which may come before its offer
// or long after it. The server needs none: the publisher makes the checks, so its
// addresses are those that its checks come from.
func (s *Server) AddCandidate(ctx context.Context, account sluice.AccountID, id sluice.StreamID, c sluice.ICECandidate) error {
	if _, err := s.publishable(ctx, account, id); err != nil {
		return err
	}
	return webrtc.CheckCandidate(c)
}

// Start makes a prepared stream live: it returns when a player that loads the
// manifests plays. A repeat waits for the same and changes nothing. It fails
// when no media comes in time, and says what is missing.
func (s *Server) Start(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error) {
	rs, err := s.publishable(ctx, account, id)
	if err != nil {
		return nil, err
	}
	if err := s.awaitPlayable(ctx, rs); err != nil {
		return nil, err
	}
	var first bool
	st, err := s.cfg.Store.UpdateStream(ctx, account, id, func(st *sluice.Stream) error {
		first = st.Broadcast.StartedAt == nil
		return st.Start(rs.wallNow())
	})
	if err != nil {
		return nil, err
	}
	if first {
		rs.started.Store(true)
		s.publishState(sluice.EventStarted, st)
	}
	return st, nil
}

// awaitPlayable has the encoder started and waits for its first segments.
func (s *Server) awaitPlayable(ctx context.Context, rs *stream) error {
	if err := rs.do(ctx, func() { rs.step(broadcast.Requested{}) }); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, s.cfg.StartTimeout)
	defer cancel()
	err := rs.presentation.WaitPlayable(wait)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		var missing error
		if err := rs.do(ctx, func() { missing = rs.missing() }); err != nil {
			return err
		}
		return missing
	default:
		return s.whyEnded(ctx, rs)
	}
}

// whyEnded is what a start is told that waited for a stream which ended.
func (s *Server) whyEnded(ctx context.Context, rs *stream) error {
	select {
	case <-rs.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	st, err := s.cfg.Store.Stream(ctx, rs.account, sluice.StreamRef{ID: rs.id})
	if err == nil && st.Broadcast.Failure != "" {
		return sluice.Errorf(sluice.KindState, "stream_failed", "stream %d has failed: %s; create a new stream", rs.id, st.Broadcast.Failure)
	}
	return errEnded(rs.id)
}

// missing says what a start waited for in vain.
func (s *stream) missing() error {
	const kind = sluice.KindState
	switch s.machine.Waiting() {
	case broadcast.ForPublisher:
		return sluice.Errorf(kind, "publisher_missing",
			"no publisher is connected to stream %d; send its offer to /v1/streams/%d/init first", s.id, s.id)
	case broadcast.ForConnection:
		return sluice.Errorf(kind, "publisher_not_connected",
			"the publisher of stream %d is not connected yet; check that its browser reaches this server's WebRTC port over UDP or TCP, then start again", s.id)
	case broadcast.ForMedia:
		return sluice.Errorf(kind, "media_missing",
			"the publisher of stream %d is connected but sends neither audio nor video; add tracks before the offer is made", s.id)
	case broadcast.ForEncoder:
		fallthrough
	default:
		return sluice.Errorf(sluice.KindUnavailable, "encoder_late",
			"media of stream %d arrives, but the encoder is not ready yet; start again in a few seconds", s.id)
	}
}

// End ends a stream, whatever its state. It is idempotent.
func (s *Server) End(ctx context.Context, account sluice.AccountID, id sluice.StreamID, cause sluice.EndCause) (*sluice.Stream, error) {
	st, err := s.cfg.Store.Stream(ctx, account, sluice.StreamRef{ID: id})
	if err != nil {
		return nil, err
	}
	if rs := s.running(id); rs != nil {
		select {
		case rs.ending <- cause:
		default: // it is ending already
		}
		select {
		case <-rs.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(storePatience):
			return nil, sluice.Errorf(sluice.KindUnavailable, "store_busy",
				"stream %d has ended, but the server's database is too busy to note it yet; try again in a few seconds", id)
		}
	} else if err := s.close(ctx, st.AccountID, id, ending{cause: cause, at: s.now()}); err != nil {
		return nil, err
	}
	return s.cfg.Store.Stream(ctx, account, sluice.StreamRef{ID: id})
}

// Remove ends a stream and takes its media off the air: what viewers wait for is
// refused at once, and when it returns nothing of the stream is held in memory or
// on disk.
func (s *Server) Remove(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error) {
	if _, err := s.cfg.Store.Stream(ctx, account, sluice.StreamRef{ID: id}); err != nil {
		return nil, err
	}
	if rs := s.running(id); rs != nil {
		rs.remove()
	}
	st, err := s.End(ctx, account, id, sluice.EndRequested)
	if err != nil {
		return nil, err
	}
	rs := s.running(id) // perhaps one that was prepared meanwhile
	if rs == nil {
		return st, nil
	}
	rs.remove()
	select {
	case <-rs.gone:
		return st, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// publishable is the running stream, if it is the account's and may be
// published to.
func (s *Server) publishable(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*stream, error) {
	st, err := s.cfg.Store.Stream(ctx, account, sluice.StreamRef{ID: id})
	if err != nil {
		return nil, err
	}
	if err := st.CheckPublish(); err != nil {
		return nil, err
	}
	rs, _, err := s.open(st) //nolint:contextcheck // a stream outlives the request that begins it
	return rs, err
}
