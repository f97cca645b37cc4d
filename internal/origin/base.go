package origin

import (
	"net/http"
	"strings"
	"sync"

	"github.com/sluicelive/sluice/internal/cmaf"
)

const (
	// maxBases is how many hosts a snapshot's MPD is rendered for. Anybody may name
	// a host, and each rendering costs time and memory.
	maxBases = 4
	// maxHost is longer than a name of the DNS with its port.
	maxHost = 260
)

// base is what absolute addresses in a manifest begin with, empty where they have
// to be relative. The configured address is the one that no client can change.
//
// Without it, it is the host that the request names. A client that names another
// host than the one it asks spoils its own answer alone: a proxy, which may keep the
// answer for others, gets relative addresses. The scheme is that of the connection,
// so that behind a proxy, whose viewers may use HTTPS, it is not known.
func (s *Server) base(all *cmaf.Snapshot, r *http.Request) string {
	if s.config.PublicURL != "" {
		return s.config.PublicURL
	}
	host := r.Host
	if s.config.Host != nil {
		host = s.config.Host(host)
	}
	if !isHost(host) || isProxied(r.Header) {
		return ""
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return cmaf.Once(&all.Memo, "origin bases", func() *bases { return &bases{known: map[string]bool{}} }).admit(scheme + strings.ToLower(host))
}

// isProxied reports whether a proxy asks. Each kind of proxy says so by another
// header.
func isProxied(h http.Header) bool {
	for _, name := range []string{"X-Forwarded-Proto", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// bases are those that a snapshot's MPD is rendered for.
type bases struct {
	mu    sync.Mutex
	known map[string]bool
}

// admit returns the base if it is one of the first, and none otherwise.
func (b *bases) admit(base string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.known[base] {
		if len(b.known) >= maxBases {
			return ""
		}
		b.known[base] = true
	}
	return base
}

// isHost reports whether a text can be a host, with or without a port, and no
// more: it becomes part of an address.
func isHost(text string) bool {
	if text == "" || len(text) > maxHost {
		return false
	}
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._:[]", c) >= 0:
		default:
			return false
		}
	}
	return true
}
