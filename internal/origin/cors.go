package origin

import (
	"net/http"
	"strings"
)

const allowedMethods = "GET, HEAD, OPTIONS"

// allowAnyOrigin lets players on any page fetch, without credentials, and see
// the headers they tell time and position by.
func allowAnyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Date, Age, ETag, Content-Range, Content-Length")
	h.Set("Timing-Allow-Origin", "*") // players measure bandwidth by resource timing
	h.Set("X-Content-Type-Options", "nosniff")
}

// maxHeaderNames is longer than any player's list of headers. A longer one is
// answered without it.
const maxHeaderNames = 1024

// usualHeaders are allowed when a preflight names none.
const usualHeaders = "Range, If-Range, If-None-Match, Cache-Control, Content-Type"

// preflight answers what a browser asks before a request with headers that are
// not simple. Media are anybody's to read, without credentials, so any header may
// be sent: players add some (CMCD), and so do the tools around them (traceparent).
// "*" would not do: it allows no Authorization, and old browsers do not know it.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	h.Set("Access-Control-Allow-Headers", usualHeaders)
	if names := r.Header.Get(requestHeaders); areHeaderNames(names) {
		h.Set("Access-Control-Allow-Headers", names)
	}
	h.Set("Vary", requestHeaders)
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

const requestHeaders = "Access-Control-Request-Headers"

// areHeaderNames reports whether a text is a list of field names (RFC 9110,
// section 5.6.2), and of a length that is sent back.
func areHeaderNames(text string) bool {
	if text == "" || len(text) > maxHeaderNames {
		return false
	}
	for _, c := range []byte(text) {
		isAlphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !isAlphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~, ", c) < 0 {
			return false
		}
	}
	return true
}
