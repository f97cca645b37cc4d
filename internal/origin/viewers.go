package origin

import (
	"hash/maphash"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
)

const (
	// viewerWindow is how long a viewer counts after a request: players fetch a
	// segment every 2 s, and pause between two at most for a stall.
	viewerWindow = 10 * time.Second
	// maxViewers bounds the memory of one stream's count, at some 3 MB.
	maxViewers = 100_000
)

// viewers counts who fetched media of each stream of late: distinct pairs of
// address and user agent. It keeps no connection, no goroutine and no name.
type viewers struct {
	seed maphash.Seed

	mu      sync.Mutex
	swept   time.Time
	streams map[sluice.StreamID]map[uint64]time.Time // of viewer to last request
}

func newViewers() *viewers {
	return &viewers{seed: maphash.MakeSeed(), streams: map[sluice.StreamID]map[uint64]time.Time{}}
}

// saw counts the sender of a request.
func (v *viewers) saw(id sluice.StreamID, r *http.Request, now time.Time) {
	viewer := v.hash(r)
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.swept) >= viewerWindow {
		v.sweep(now)
	}
	seen := v.streams[id]
	if seen == nil {
		seen = map[uint64]time.Time{}
		v.streams[id] = seen
	}
	if _, known := seen[viewer]; known || len(seen) < maxViewers {
		seen[viewer] = now
	}
}

// count is how many were seen within the window.
func (v *viewers) count(id sluice.StreamID, now time.Time) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, last := range v.streams[id] {
		if now.Sub(last) < viewerWindow {
			n++
		}
	}
	return n
}

// sweep forgets viewers, and streams, of before the window.
func (v *viewers) sweep(now time.Time) {
	v.swept = now
	for id, seen := range v.streams {
		for viewer, last := range seen {
			if now.Sub(last) >= viewerWindow {
				delete(seen, viewer)
			}
		}
		if len(seen) == 0 {
			delete(v.streams, id)
		}
	}
}

func (v *viewers) hash(r *http.Request) uint64 {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	var h maphash.Hash
	h.SetSeed(v.seed)
	_, _ = h.WriteString(host)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(r.UserAgent())
	return h.Sum64()
}
