package sluice

import (
	"errors"
	"fmt"
	"time"
)

// Kind groups errors by what the caller can do about them. Transports map
// kinds, never codes, to their own status numbers.
type Kind int

// The kinds of error. The zero Kind is KindInternal, so that an error nobody
// classified is treated as ours.
const (
	KindInternal    Kind = iota // a fault of ours; its text never leaves the server
	KindMalformed               // the request cannot be parsed
	KindInvalid                 // it parses, but a value is out of range
	KindForbidden               // the key is missing, wrong, expired or revoked
	KindNotFound                // there is no such thing in this account
	KindState                   // the stream is not in a state that allows this
	KindConflict                // it would break what is under way
	KindGone                    // it existed and was let go on purpose
	KindTooLarge                // more bytes than allowed
	KindUnavailable             // try again later
	KindTooMany                 // the caller has used up its share; try again later
	KindNoSpace                 // the server has no room to store this
)

// Error is a failure that a user may read. Code is stable and made for
// programs (stream_not_found), Message says what is wrong and what to do, and
// Err, when set, is the cause for the log. RetryAfter is when a caller of
// KindUnavailable or KindTooMany may try again; zero leaves it to the transport.
type Error struct {
	Kind       Kind
	Code       string
	Message    string
	RetryAfter time.Duration
	Err        error
}

// Errorf returns an *Error without a cause.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns a copy of e that carries the cause.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// After returns a copy of e that says when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error implements error with the text for the log: code, message and cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return e.Code + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error of the same code, so that
// errors.Is(err, ErrStreamNotFound) works on errors with another message or a
// cause.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// AsError returns the *Error in err's chain. An error without one becomes an
// internal error whose message tells the user nothing but that it is ours.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{
		Kind:    KindInternal,
		Code:    "internal",
		Message: "something failed in the server; the log says what, under this request's id",
		Err:     err,
	}
}

// Errors that more than one package returns or tests for.
var (
	ErrStreamNotFound = Errorf(KindNotFound, "stream_not_found",
		"there is no such stream in this account; check the id, or create one with POST /v1/streams/create")
	ErrKeyInvalid = Errorf(KindForbidden, "key_invalid",
		"a valid application key is needed: send `Authorization: Bearer <application key>`; make one with `sluice key create`")
	ErrKeyNotFound = Errorf(KindNotFound, "key_not_found",
		"there is no such application key; `sluice key list` shows them")
)
