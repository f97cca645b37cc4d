package httpd

import (
	"net"
	"net/http"
	"strconv"
)

// Upgrade leads what is asked for in clear to HTTPS. It is for pages and for the
// addresses of media that people type or link to; the API must not be led
// anywhere: a client that sends a key would go on doing so in clear with every
// call, and never notice. For the same reason it refuses requests with a key,
// wherever they go.
//
// Browsers are not told to stay with HTTPS (RFC 6797). They would apply it to
// all ports of the host, of which others may not speak TLS, and for as long as
// was said: who turns TLS off again, or lets a certificate run out, would lock
// viewers out. That is for the operator of a whole host to decide.
type Upgrade struct {
	// URL is where the server is found by HTTPS, as in https://live.example.com.
	// When empty that is the host that was asked for, on Port.
	URL string
	// Port is that of HTTPS on the host that was asked for. Zero is the usual one.
	Port int
}

// ServeHTTP implements http.Handler.
func (u Upgrade) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	isRead := r.Method == http.MethodGet || r.Method == http.MethodHead
	base := u.Base(r)
	if !isRead || r.Header.Get("Authorization") != "" || base == "" {
		answer(w, http.StatusForbidden, "this is served over HTTPS only; use https:// in the address")
		return
	}
	h := w.Header()
	h.Set("Location", base+r.URL.RequestURI())
	h.Set("Cache-Control", "no-store") // so that it is over when TLS is turned off
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(http.StatusPermanentRedirect)
}

// Base is what the address by HTTPS of a request in clear begins with; empty
// when it names no host.
func (u Upgrade) Base(r *http.Request) string {
	if u.URL != "" {
		return u.URL
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
		if net.ParseIP(name) != nil && net.ParseIP(name).To4() == nil {
			host = "[" + name + "]"
		}
	}
	if host == "" {
		return ""
	}
	if u.Port != 0 && u.Port != 443 {
		host += ":" + strconv.Itoa(u.Port)
	}
	return "https://" + host
}
