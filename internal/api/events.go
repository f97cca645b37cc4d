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
func (a *API) events(ctx context.Context, _ call, in *EventsInput) (*huma.StreamResponse, error) {
	s, err := a.find(ctx, sluice.AnyAccount, in.ID)
	if err != nil {
		return nil, err
	}
	return a.follow(ctx, s, in, time.Time{})
}

// keyedEvents sends the candidates of the ingest session, too.
func (a *API) keyedEvents(ctx context.Context, _ call, in *keyedEventsInput) (*huma.StreamResponse, error) {
	// A slug means the newest stream of the key's own account.
	account, err := a.EventKeys.Account(in.EventKey, a.Now())
	if err != nil {
		return nil, err
	}
	s, err := a.find(ctx, account, in.ID)
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
	return a.follow(ctx, s, &in.EventsInput, expires)
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

// take counts one more.
func (l EventLimits) take(client netip.Addr, stream sluice.StreamID) (release func(), err error) {
	if err := l.ByAddress.Take(client); err != nil {
		return nil, err
	}
	if err := l.ByStream.Take(stream); err != nil {
		l.ByAddress.Release(client)
		return nil, err
	}
	return func() {
		l.ByAddress.Release(client)
		l.ByStream.Release(stream)
	}, nil
}

// follow answers with the stream's events until expires; the zero time is for
// subscribers without a key, who get no candidates and whose time does not run
// out. An ended stream is answered with 204, which is all that stops an
// EventSource from coming back (HTML standard, section 9.2.3).
func (a *API) follow(ctx context.Context, s *sluice.Stream, in *EventsInput, expires time.Time) (*huma.StreamResponse, error) {
	release, err := a.EventLimits.take(in.client, s.ID)
	if err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(in.LastEventID, 10, 64) // what is no number was never sent by us
	sub := a.Bus.Subscribe(s.ID, max(after, 0), !expires.IsZero())
	leave := func() {
		sub.Close()
		release()
	}

	// Only now, with the subscription made, is the state asked for: a stream that
	// ends from here on sends its event.
	s, err = a.Store.Stream(ctx, sluice.AnyAccount, sluice.StreamRef{ID: s.ID})
	if err != nil {
		leave()
		return nil, err
	}
	if s.Broadcast.EndedAt != nil {
		leave()
		return &huma.StreamResponse{Body: noContent}, nil
	}
	return &huma.StreamResponse{Body: a.sender(sub, expires, leave)}, nil //nolint:contextcheck // the context comes with the huma.Context
}

func noContent(ctx huma.Context) { ctx.SetStatus(http.StatusNoContent) }

// sender answers with the events of a subscription, and leaves it.
func (a *API) sender(sub *bus.Subscription, expires time.Time, leave func()) func(huma.Context) {
	return func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		if r.Method != http.MethodHead && a.takeOver(w, r, sub, expires, leave) {
			return
		}
		defer leave()
		out := newEventWriter(w)
		if out.open() == nil && r.Method != http.MethodHead {
			a.pump(ctx.Context(), sub, out, expires)
		}
	}
}

// pump writes events until the client leaves, the stream ends, the key expires
// or the bus closes.
func (a *API) pump(ctx context.Context, sub *bus.Subscription, out *eventWriter, expires time.Time) {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	var expired <-chan time.Time // never, without a key
	if !expires.IsZero() {
		timer := time.NewTimer(expires.Sub(a.Now()))
		defer timer.Stop()
		expired = timer.C
	}
	var err error
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-expired:
			_ = out.keyExpired()
			return
		case <-ping.C:
			err = out.ping()
		case e, open := <-sub.Events():
			if !open {
				return
			}
			err = out.event(e)
		}
	}
}
