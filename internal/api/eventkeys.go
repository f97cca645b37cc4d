package api

import (
	"context"
	"time"

	"github.com/sluicelive/sluice/internal/eventkey"
)

// expiryBody asks how long an event key shall live.
type expiryBody struct {
	ExpirySeconds *int `json:"expiry_seconds" required:"false" minimum:"1" maximum:"86400" example:"3600" doc:"How long the key is good; one hour when left out"`
}

// expiry is how long the key is to live. A call without a body is normal.
func (b *expiryBody) expiry() time.Duration {
	if b == nil || b.ExpirySeconds == nil {
		return eventkey.DefaultExpiry
	}
	return time.Duration(*b.ExpirySeconds) * time.Second
}

type streamKeyInput struct {
	StreamPath
	Body *expiryBody
}

func (a *API) streamEventKey(ctx context.Context, c call, in *streamKeyInput) (*reply[string], error) {
	s, err := a.find(ctx, c.account, in.ID)
	if err != nil {
		return nil, err
	}
	key, err := a.EventKeys.ForStream(c.account, s.ID, a.Now(), in.Body.expiry())
	if err != nil {
		return nil, err
	}
	return ok(key), nil
}

type accountKeyInput struct {
	Body *expiryBody
}

func (a *API) accountEventKey(_ context.Context, c call, in *accountKeyInput) (*reply[string], error) {
	key, err := a.EventKeys.ForAccount(c.account, a.Now(), in.Body.expiry())
	if err != nil {
		return nil, err
	}
	return ok(key), nil
}
