package ui

import (
	"net/http"
	"strings"
)

// policy says what a page may load and do (W3C Content Security Policy,
// level 3). Scripts and styles are files of ours, nothing inline.
func policy() string {
	return strings.Join([]string{
		"default-src 'self'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:",
		// Players feed the media element through blob: addresses; a browser that
		// plays HLS by itself loads from the playback origin, which may be any.
		"media-src 'self' blob: http: https:",
		"connect-src 'self' http: https:",
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'self'",
	}, "; ")
}

// protect sets the headers that every document carries.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy())
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self)")
}
