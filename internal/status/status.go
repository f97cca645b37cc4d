// Package status maps kinds of errors to HTTP status codes: the only place that
// does.
package status

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicelive/sluice"
)

// Of is the HTTP status for a kind of error. A missing or wrong key is 403 and
// never 401, after which some clients put the key into a URL.
func Of(k sluice.Kind) int {
	switch k {
	case sluice.KindMalformed, sluice.KindState:
		return http.StatusBadRequest
	case sluice.KindInvalid:
		return http.StatusUnprocessableEntity
	case sluice.KindForbidden:
		return http.StatusForbidden
	case sluice.KindNotFound:
		return http.StatusNotFound
	case sluice.KindConflict:
		return http.StatusConflict
	case sluice.KindGone:
		return http.StatusGone
	case sluice.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case sluice.KindUnavailable:
		return http.StatusServiceUnavailable
	case sluice.KindTooMany:
		return http.StatusTooManyRequests
	case sluice.KindNoSpace:
		return http.StatusInsufficientStorage
	default:
		return http.StatusInternalServerError
	}
}

// RetryAfter is the Retry-After header of an error in whole seconds, rounded up
// (RFC 9110, section 10.2.3): fallback where the error names no time, and empty
// for errors that a later try does not mend.
func RetryAfter(e *sluice.Error, fallback time.Duration) string {
	if e.Kind != sluice.KindUnavailable && e.Kind != sluice.KindTooMany && e.Kind != sluice.KindNoSpace {
		return ""
	}
	wait := cmp.Or(e.RetryAfter, fallback)
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}
