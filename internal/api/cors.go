package api

import "net/http"

// allowOrigin lets pages of any origin call the API. The origin is reflected
// and never "*", which browsers refuse for requests with credentials (Fetch
// standard, CORS check), as `EventSource(…, {withCredentials: true})` makes.
// Reflecting is safe because nothing but a key in the request authenticates: a
// cookie never does.
func allowOrigin(h http.Header, origin string) {
	h.Add("Vary", "Origin")
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID")
	h.Set("Access-Control-Expose-Headers", "Location, Link, ETag, Date, Retry-After, X-Request-Id")
	h.Set("Access-Control-Max-Age", "7200") // the most that Chromium heeds
}
