package ui

import (
	"net/http"
	"strings"
)

// A grant is what one page may do beyond what all may.
type grant struct {
	// connect and media are sources besides our own that it may load from.
	connect, media string
	// permissions is the Permissions-Policy.
	permissions string
}

const noDevices = "camera=(), microphone=(), display-capture=()"

// What each page may do. The studio holds a key, so it talks to us alone. The
// watch page loads from the playback origin, which may be any, and needs no camera.
func studioGrant() grant {
	return grant{media: "blob:", permissions: "camera=(self), microphone=(self), display-capture=(self)"}
}

func watchGrant() grant {
	return grant{
		connect: "http: https:",
		// Players feed the media element through blob: addresses; a browser that
		// plays HLS by itself loads from the playback origin.
		media:       "blob: http: https:",
		permissions: noDevices,
	}
}

func plainGrant() grant { return grant{permissions: noDevices} }

// policy says what a page may load and do (W3C Content Security Policy,
// level 3). Scripts and styles are files of ours, nothing inline.
func (g grant) policy() string {
	return strings.Join([]string{
		"default-src 'self'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:",
		strings.TrimSpace("media-src 'self' " + g.media),
		strings.TrimSpace("connect-src 'self' " + g.connect),
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'self'",
	}, "; ")
}

// protect sets the headers that every document carries.
func (g grant) protect(h http.Header) {
	h.Set("Content-Security-Policy", g.policy())
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Permissions-Policy", g.permissions)
	// A page that opens ours, or is opened by it, gets no hold of it (HTML
	// standard, section 7.1.3).
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
