// Package status maps kinds of errors to HTTP status codes: the only place that
// does.
package status

import (
	"net/http"

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
	case sluice.KindGone:
		return http.StatusGone
	case sluice.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case sluice.KindUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
