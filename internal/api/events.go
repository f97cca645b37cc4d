package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/clientaddr"
	"github.com/sluicelive/sluice/internal/eventkey"
)

// pingInterval keeps proxies from closing a stream on which nothing happens.
const pingInterval = 15 * time.Second

// EventsInput is what a subscriber sends.
type EventsInput struct {
	StreamPath
	LastEventID string `header:"Last-Event-ID" doc:"The id of the last event seen: those since are sent again"`

	client netip.Addr // of whom budgets count it
}

type keyedEventsInput struct {
	EventsInput
	EventKey string `path:"eventkey" doc:"An event key, from POST /v1/streams/{id}/eventkey or POST /v1/auth/eventkey"`
}

// events sends the state events of a stream to anybody.
func (a *API) events(ctx context.Context, c call, in *EventsInput) (*huma.StreamResponse, error) {
	return a.counted(in, func(leave func()) (*huma.StreamResponse, error) {
		s, err := a.findPublic(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		return a.follow(ctx, s, in, grant{}, leave)
	})
}

// grant is what an event key gives: candidates, until it expires or the
// application key that it was made with is revoked. The zero grant is that of
// subscribers without a key, who get no candidates and whose time does not run
// out.
type grant struct {
	expires time.Time
	revoked <-chan struct{}
}

func (g grant) isKeyed() bool { return !g.expires.IsZero() }

// keyedEvents sends the candidates of the ingest session, too.
func (a *API) keyedEvents(ctx context.Context, _ call, in *keyedEventsInput) (*huma.StreamResponse, error) {
	return a.counted(&in.EventsInput, func(leave func()) (*huma.StreamResponse, error) {
		owner, err := a.EventKeys.Owner(in.EventKey, a.Now())
		if err != nil {
			return nil, err
		}
		revoked, unwatch := a.keys.watches.join(owner) // before the look at it: no revocation falls between
		response, err := a.followKeyed(ctx, owner, in, revoked, func() { unwatch(); leave() })
		if err != nil {
			unwatch()
		}
		return response, err
	})
}

// followKeyed answers with the events of a stream of the key's own account, which
// is also the one whose slugs are meant.
func (a *API) followKeyed(
	ctx context.Context, owner eventkey.Owner, in *keyedEventsInput, revoked <-chan struct{}, leave func(),
) (*huma.StreamResponse, error) {
	if err := a.keys.stillGood(ctx, owner); err != nil {
		return nil, err
	}
	s, err := a.find(ctx, owner.Account, in.ID)
	if errors.Is(err, sluice.ErrStreamNotFound) {
		return nil, eventkey.ErrInvalid // it is for another stream, if there is one
	}
	if err != nil {
		return nil, err
	}
	expires, err := a.EventKeys.Verify(in.EventKey, s.AccountID, s.ID, a.Now())
	if err != nil {
		return nil, err
	}
	return a.follow(ctx, s, &in.EventsInput, grant{expires, revoked}, leave)
}

// counted counts an event stream of the client's address, before anything is
// looked up: who asks for too many is refused for next to nothing. open calls
// leave at the end of the stream, or fails.
func (a *API) counted(in *EventsInput, open func(leave func()) (*huma.StreamResponse, error)) (*huma.StreamResponse, error) {
	if err := a.EventLimits.ByAddress.Take(in.client); err != nil {
		return nil, err
	}
	leave := func() { a.EventLimits.ByAddress.Release(in.client) }
	opened := false
	defer func() {
		if !opened { // a panic counts, too
			leave()
		}
	}()
	response, err := open(leave)
	opened = err == nil
	return response, err
}

// Resolve implements huma.Resolver: it keeps who asks.
func (in *EventsInput) Resolve(ctx huma.Context) []error {
	in.client = clientaddr.Key(clientaddr.Parse(ctx.RemoteAddr()))
	return nil
}

// EventLimits count the event streams that are open, by client address and by
// stream. A nil one sets no limit.
type EventLimits struct {
	ByAddress *budget.Budget[netip.Addr]
	ByStream  *budget.Budget[sluice.StreamID]
}

// follow answers with the stream's events while the grant holds, and calls leave
// at their end, unless it fails. An ended stream is answered with 204, which is
// all that stops an EventSource from coming back (HTML standard, section 9.2.3).
func (a *API) follow(ctx context.Context, s *sluice.Stream, in *EventsInput, g grant, leave func()) (*huma.StreamResponse, error) {
	id := s.ID
	if err := a.EventLimits.ByStream.Take(id); err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(in.LastEventID, 10, 64) // what is no number was never sent by us
	sub := a.Bus.Subscribe(id, max(after, 0), g.isKeyed())
	unsubscribe := func() {
		sub.Close()
		a.EventLimits.ByStream.Release(id)
	}

	// Only now, with the subscription made, is the state asked for: a stream that
	// ends from here on sends its event.
	s, err := a.Store.Stream(ctx, s.AccountID, sluice.StreamRef{ID: id})
	if err != nil {
		unsubscribe()
		return nil, err
	}
	if s.Broadcast.EndedAt != nil {
		unsubscribe()
		leave()
		return &huma.StreamResponse{Body: noContent}, nil
	}
	return &huma.StreamResponse{Body: a.sender(sub, g, func() { unsubscribe(); leave() })}, nil //nolint:contextcheck // the context comes with the huma.Context
}

func noContent(ctx huma.Context) { ctx.SetStatus(http.StatusNoContent) }

// sender answers with the events of a subscription, and leaves it.
func (a *API) sender(sub *bus.Subscription, g grant, leave func()) func(huma.Context) {
	return func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		if r.Method != http.MethodHead && a.takeOver(w, r, sub, g, leave) {
			return
		}
		defer leave()
		out := newEventWriter(w)
		if out.open() == nil && r.Method != http.MethodHead {
			_ = a.pump(ctx.Context(), sub, out, g) // a client that takes nothing needs no end
		}
	}
}

// pump writes events until the client leaves, the stream ends, the key expires or
// is revoked, or the bus closes. It fails when the client takes no more.
func (a *API) pump(ctx context.Context, sub *bus.Subscription, out *eventWriter, g grant) error {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	var expired <-chan time.Time // never, without a key
	if g.isKeyed() {
		timer := time.NewTimer(g.expires.Sub(a.Now()))
		defer timer.Stop()
		expired = timer.C
	}
	var err error
	for err == nil {
		select {
		case <-ctx.Done():
			return out.rest(sub)
		case <-expired:
			return out.keyExpired()
		case <-g.revoked:
			return out.keyExpired()
		case <-ping.C:
			err = out.ping()
		case e, open := <-sub.Events():
			if !open {
				return nil
			}
			err = out.event(e)
		}
	}
	return err
}
