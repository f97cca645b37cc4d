package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/status"
)

// failure is the envelope of every error. Data is an empty string and never
// null, because clients read data.id without looking.
type failure struct {
	Code    int       `json:"code" example:"404" doc:"The HTTP status"`
	Message string    `json:"message" doc:"What is wrong and what to do, for a person" example:"there is no such stream in this account; check the id, or create one with POST /v1/streams/create"`
	Data    string    `json:"data" doc:"Always empty" example:""`
	Reason  string    `json:"error" doc:"What is wrong, for a program; stable" example:"stream_not_found"`
	Meta    *pageMeta `json:"meta,omitempty" doc:"On lists only: the page that could not be had"`

	retryAfter string // the header, in seconds; empty without one
}

// defaultRetry is when a client may try again where an error does not say.
const defaultRetry = 2 * time.Second

// Error implements error; it and the next two let huma write a failure as it is.
func (f *failure) Error() string { return f.Reason + ": " + f.Message }

// GetStatus implements huma.StatusError.
func (f *failure) GetStatus() int { return f.Code }

// GetHeaders implements huma.HeadersError.
func (f *failure) GetHeaders() http.Header {
	if f.retryAfter == "" {
		return nil
	}
	return http.Header{"Retry-After": {f.retryAfter}}
}

// newFailure is the one way from an error to what a client sees of it. op may
// be nil where no operation was reached.
func newFailure(op *huma.Operation, err error) *failure {
	var f *failure
	if !errors.As(err, &f) {
		e := sluice.AsError(err)
		f = &failure{Code: status.Of(e.Kind), Message: e.Message, Reason: e.Code, retryAfter: status.RetryAfter(e, defaultRetry)}
	}
	if op != nil && op.Metadata[metaIsList] != nil {
		f.Meta = &pageMeta{} // clients of lists read meta whatever the code
	}
	return f
}

// writeFailure sends an error from outside of huma's handlers.
func writeFailure(w http.ResponseWriter, f *failure) {
	h := w.Header()
	for name, values := range f.GetHeaders() {
		h[name] = values
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(f.Code)
	body := json.NewEncoder(w)
	body.SetEscapeHTML(false) // it is read by people, and not as HTML
	_ = body.Encode(f)        // a client that is gone needs no answer
}

// reshape turns the errors that huma finds in a request, before a handler runs,
// into ours. It is a transformer: huma passes it every body it writes.
func reshape(ctx huma.Context, _ string, body any) (any, error) {
	model, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	ctx.SetHeader("Content-Type", "application/json") // not application/problem+json
	e := &sluice.Error{Kind: sluice.KindInvalid, Code: "request_invalid", Message: detail(model)}
	if model.Status == http.StatusBadRequest {
		e.Kind, e.Code = sluice.KindMalformed, "request_malformed"
	}
	return newFailure(ctx.Operation(), e), nil
}

// detail says what is wrong with which field: "name: expected string; …".
func detail(model *huma.ErrorModel) string {
	parts := make([]string, 0, len(model.Errors))
	for _, e := range model.Errors {
		where := strings.TrimPrefix(strings.TrimPrefix(e.Location, "body."), "query.")
		parts = append(parts, where+": "+e.Message)
	}
	if len(parts) == 0 {
		return model.Detail
	}
	return strings.Join(parts, "; ")
}

// report logs an error that is ours. Those of the client are in the answer, and
// a client that left is no error.
func (a *API) report(ctx context.Context, f *failure, c call, operation string, err error) {
	if f.Code < http.StatusInternalServerError || ctx.Err() != nil {
		return
	}
	a.Log.Error("request failed", "request", c.request, "operation", operation, "err", err)
}
