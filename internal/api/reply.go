package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// envelope is the shape of every JSON answer.
type envelope[T any] struct {
	Code    int       `json:"code" example:"200" doc:"The HTTP status"`
	Message string    `json:"message" example:"OK"`
	Data    T         `json:"data" nullable:"false"`
	Meta    *pageMeta `json:"meta,omitempty" doc:"On lists only: which part of the whole this is"`
}

// pageMeta says which part of a list an answer holds.
type pageMeta struct {
	Page         int `json:"page" example:"1"`
	Limit        int `json:"limit" example:"10" doc:"How many a page has"`
	TotalRecords int `json:"total_records" example:"1"`
	TotalPages   int `json:"total_pages" example:"1"`
}

// metaIsList marks, in an operation's metadata, one whose errors carry meta.
const metaIsList = "list"

// reply is the success of an operation. It is always 200: clients test for it.
type reply[T any] struct {
	Body envelope[T]
}

func ok[T any](data T) *reply[T] {
	return &reply[T]{Body: envelope[T]{Code: http.StatusOK, Message: "OK", Data: data}}
}

// add registers an operation: it gives the handler its call, and is the one
// place that turns a handler's error into an answer and a line in the log.
func add[I, O any](a *API, op huma.Operation, handle func(context.Context, call, *I) (*O, error)) {
	op.MaxBodyBytes, op.BodyReadTimeout = -1, -1 // readBody has seen to both
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	op.Responses["default"] = failureResponse(a.huma.OpenAPI())
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		out, err := handle(ctx, c, in)
		if err != nil {
			f := newFailure(&op, err)
			a.report(ctx, f, c, &op, err)
			return nil, f
		}
		return out, nil
	})
}
