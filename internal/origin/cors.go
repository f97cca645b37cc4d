package origin

import "net/http"

const allowedMethods = "GET, HEAD, OPTIONS"

// allowAnyOrigin lets players on any page fetch, without credentials, and see
// the headers they tell time and position by.
func allowAnyOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Date, Age, ETag, Content-Range, Content-Length")
	h.Set("Timing-Allow-Origin", "*") // players measure bandwidth by resource timing
	h.Set("X-Content-Type-Options", "nosniff")
}

// preflight answers what a browser asks before a request with Range.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match, Cache-Control, Content-Type")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
