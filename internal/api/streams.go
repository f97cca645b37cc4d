package api

import (
	"context"
	"errors"
	"strings"

	"github.com/sluicelive/sluice"
)

// StreamPath is the {id} in a path. (Exported, as EventsInput is, because huma
// sees no other embedded fields.)
type StreamPath struct {
	ID string `path:"id" example:"2" doc:"The stream's numeric id, its playback id, or its slug: a number is always an id, and a slug means the account's newest stream that has it. Without a key a slug means nothing while several accounts use it"`
}

type createInput struct {
	Body struct {
		Name        string  `json:"name" maxLength:"200" example:"my first stream"`
		Slug        *string `json:"slug" required:"false" maxLength:"200" example:"my-first-stream" doc:"Made from the name when left out"`
		Description *string `json:"description" required:"false" maxLength:"5000"`
		Quality     *string `json:"quality" required:"false" example:"720" doc:"The height of the top rendition: 360, 480, 720 or 1080; 720 when left out"`
	}
}

func (a *API) createStream(ctx context.Context, c call, in *createInput) (*reply[stream], error) {
	now := a.Now()
	s := &sluice.Stream{
		AccountID:   c.principal.Account,
		Name:        in.Body.Name,
		Slug:        orEmpty(in.Body.Slug),
		Description: orEmpty(in.Body.Description),
		Quality:     sluice.Quality(orEmpty(in.Body.Quality)),
		CreatedAt:   now,
		UpdatedAt:   now,
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := a.creations.take(c.principal.Account, now); err != nil {
		return nil, err
	}
	if err := a.Store.CreateStream(ctx, c.principal.Account, s); err != nil {
		return nil, err
	}
	return ok(a.newStream(s, c.base)), nil
}

type listInput struct {
	Page     int    `query:"page" default:"1" minimum:"1" maximum:"1000000" doc:"Which page, from 1"`
	PageSize int    `query:"page_size" default:"10" minimum:"1" maximum:"100" doc:"How many streams a page has"`
	Live     string `query:"live" enum:"true,false" doc:"Only streams that are live, or only those that are not"`
}

// filter says which streams the query asks for.
func (in *listInput) filter() sluice.StreamFilter {
	f := sluice.StreamFilter{Offset: (in.Page - 1) * in.PageSize, Limit: in.PageSize}
	if in.Live != "" {
		live := in.Live == "true"
		f.Live = &live
	}
	return f
}

func (a *API) listStreams(ctx context.Context, c call, in *listInput) (*reply[[]stream], error) {
	found, total, err := a.Store.Streams(ctx, c.principal.Account, in.filter())
	if err != nil {
		return nil, err
	}
	list := make([]stream, len(found))
	for i := range found {
		list[i] = a.newStream(&found[i], c.base)
	}
	r := ok(list)
	r.Body.Meta = &pageMeta{
		Page: in.Page, Limit: in.PageSize,
		TotalRecords: total, TotalPages: (total + in.PageSize - 1) / in.PageSize,
	}
	return r, nil
}

func (a *API) getStream(ctx context.Context, c call, in *StreamPath) (*reply[stream], error) {
	s, err := a.findPublic(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(a.newStream(s, c.base)), nil
}

type updateInput struct {
	StreamPath
	Body struct {
		Name        *string `json:"name" required:"false" maxLength:"200"`
		Slug        *string `json:"slug" required:"false" maxLength:"200"`
		Description *string `json:"description" required:"false" maxLength:"5000"`
	}
}

func (a *API) updateStream(ctx context.Context, c call, in *updateInput) (*reply[stream], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	update := sluice.StreamUpdate{Name: in.Body.Name, Slug: in.Body.Slug, Description: in.Body.Description}
	s, err = a.Store.UpdateStream(ctx, c.principal.Account, s.ID, update.Apply)
	if err != nil {
		return nil, err
	}
	return ok(a.newStream(s, c.base)), nil
}

func (a *API) deleteStream(ctx context.Context, c call, in *StreamPath) (*reply[stream], error) {
	s, err := a.find(ctx, c.principal.Account, in.ID)
	if err != nil {
		return nil, err
	}
	if s.Broadcast.PreparedAt != nil {
		if s, err = a.Live.Remove(ctx, c.principal.Account, s.ID); err != nil {
			return nil, err
		}
	}
	if err := a.Store.DeleteStream(ctx, c.principal.Account, s.ID); err != nil {
		return nil, err
	}
	a.Bus.Forget(s.ID)
	return ok(a.newStream(s, c.base)), nil
}

// find looks an account's stream up by what stands in the path. A stream of
// another account is as absent as one that never was.
func (a *API) find(ctx context.Context, account sluice.AccountID, ref string) (*sluice.Stream, error) {
	if strings.ContainsRune(ref, 0) {
		return nil, sluice.ErrStreamNotFound // no slug has a zero byte, and SQL text ends at one
	}
	return a.Store.Stream(ctx, account, sluice.ParseStreamRef(ref))
}

// findPublic looks a stream up for anybody. A key decides between the accounts
// that use a slug; for ids it makes no difference.
func (a *API) findPublic(ctx context.Context, c call, ref string) (*sluice.Stream, error) {
	if c.principal.Account != 0 {
		s, err := a.find(ctx, c.principal.Account, ref)
		if !errors.Is(err, sluice.ErrStreamNotFound) {
			return s, err
		}
	}
	if strings.ContainsRune(ref, 0) {
		return nil, sluice.ErrStreamNotFound // as in find
	}
	return a.Store.PublicStream(ctx, sluice.ParseStreamRef(ref))
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
