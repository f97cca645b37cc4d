package api

import "net/http"

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
