package api

import (
	"context"
	"time"
)

// expiryBody asks how long an event key shall live.
type expiryBody struct {
	ExpirySeconds *int `json:"expiry_seconds" required:"false" minimum:"1" maximum:"86400" example:"3600" doc:"How long the key is good, one hour when left out; the server may allow less than a day"`
}

// or is how long the key is to live. A call without a body is normal.
func (b *expiryBody) or(usual time.Duration) time.Duration {
	if b == nil || b.ExpirySeconds == nil {
		return usual
	}
	return time.Duration(*b.ExpirySeconds) * time.Second
}

type streamKeyInput struct {
	StreamPath
	Body *expiryBody
}

func (a *API) streamEventKey(ctx context.Context, c call, in *streamKeyInput) (*reply[string], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	key, err := a.EventKeys.ForStream(c.principal.Owner, s.ID, a.Now(), in.Body.or(a.EventKeys.Default()))
	if err != nil {
		return nil, err
	}
	return ok(key), nil
}

type accountKeyInput struct {
	Body *expiryBody
}

func (a *API) accountEventKey(_ context.Context, c call, in *accountKeyInput) (*reply[string], error) {
	key, err := a.EventKeys.ForAccount(c.principal.Owner, a.Now(), in.Body.or(a.EventKeys.Default()))
	if err != nil {
		return nil, err
	}
	return ok(key), nil
}
