package origin

import (
	recency "container/list"
	"hash/maphash"
	"net/http"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/clientaddr"
)

const (
	// viewerWindow is how long a viewer counts after a request: players fetch a
	// segment every 2 s, and pause between two at most for a stall.
	viewerWindow = 10 * time.Second
	// maxViewers bounds the memory of one stream's count, at some 20 MB.
	maxViewers = 100_000
	// maxOfAddress is how many viewers one address counts as at most. Hundreds may
	// watch behind one, but with far fewer kinds of browser between them; a script
	// has as many kinds as it likes.
	maxOfAddress = 64
	// maxOfNetwork is how many viewers one /64 network of IPv6 counts as at most. In
	// a hall each viewer has an address of that network; a script has all of them.
	maxOfNetwork = 16 * maxOfAddress
)

// viewers counts who fetched media of each stream of late: distinct pairs of
// address and user agent. It keeps no connection, no goroutine and no name.
type viewers struct {
	seed maphash.Seed

	mu      sync.Mutex
	swept   time.Time
	streams map[sluice.StreamID]*audience
}

// audience is the viewers of one stream, in the order of their last requests: so
// those who left are found without a look at all.
type audience struct {
	byViewer  map[uint64]*recency.Element // of *seen
	byAddress map[uint64]int
	byNetwork map[uint64]int
	order     recency.List // least recent first
}

// seen is one viewer.
type seen struct {
	from
	last time.Time
}

// from is who sends a request, and from where, as hashes.
type from struct{ viewer, address, network uint64 }

func newViewers() *viewers {
	return &viewers{seed: maphash.MakeSeed(), streams: map[sluice.StreamID]*audience{}}
}

// saw counts the sender of a request.
func (v *viewers) saw(id sluice.StreamID, r *http.Request, now time.Time) {
	sender := v.identify(r)
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.swept) >= viewerWindow {
		v.sweep(now)
	}
	a := v.streams[id]
	if a == nil {
		a = &audience{byViewer: map[uint64]*recency.Element{}, byAddress: map[uint64]int{}, byNetwork: map[uint64]int{}}
		v.streams[id] = a
	}
	a.saw(sender, now)
}

// count is how many were seen within the window.
func (v *viewers) count(id sluice.StreamID, now time.Time) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.streams[id]
	if a == nil {
		return 0
	}
	a.forget(now)
	return a.order.Len()
}

// sweep forgets viewers, and streams, of before the window.
func (v *viewers) sweep(now time.Time) {
	v.swept = now
	for id, a := range v.streams {
		if a.forget(now); a.order.Len() == 0 {
			delete(v.streams, id)
		}
	}
}

// saw notes a request. Once an address, its network, or the stream has all the
// viewers that are counted, more of them are not.
func (a *audience) saw(sender from, now time.Time) {
	if known := a.byViewer[sender.viewer]; known != nil {
		if s, ok := known.Value.(*seen); ok {
			s.last = now
		}
		a.order.MoveToBack(known)
		return
	}
	a.forget(now)
	if a.order.Len() >= maxViewers || a.byAddress[sender.address] >= maxOfAddress || a.byNetwork[sender.network] >= maxOfNetwork {
		return
	}
	a.byAddress[sender.address]++
	a.byNetwork[sender.network]++
	a.byViewer[sender.viewer] = a.order.PushBack(&seen{sender, now})
}

// forget takes out those who were last seen before the window. Each is taken out
// once, so that this costs no more than to have noted them.
func (a *audience) forget(now time.Time) {
	for e := a.order.Front(); e != nil; e = a.order.Front() {
		s, ok := e.Value.(*seen)
		if !ok || now.Sub(s.last) < viewerWindow {
			return
		}
		a.order.Remove(e)
		delete(a.byViewer, s.viewer)
		leave(a.byAddress, s.address)
		leave(a.byNetwork, s.network)
	}
}

func leave(counts map[uint64]int, key uint64) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}

// identify is who sends a request: an address and a user agent.
func (v *viewers) identify(r *http.Request) from {
	addr := clientaddr.Of(r) // zero for what is no address
	bytes, network := addr.As16(), clientaddr.Key(addr).As16()
	var h maphash.Hash
	h.SetSeed(v.seed)
	_, _ = h.Write(bytes[:])
	_, _ = h.WriteString(r.UserAgent())
	return from{
		viewer: h.Sum64(), address: maphash.Bytes(v.seed, bytes[:]), network: maphash.Bytes(v.seed, network[:]),
	}
}
