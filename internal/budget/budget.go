// Package budget counts what callers hold of something scarce, in all and by
// whom, and refuses what is over the limit.
package budget

import (
	"log/slog"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
)

// Config says what a budget counts, and how much of it there is.
type Config struct {
	// Name is what is counted, in the plural: "event streams".
	Name string
	// Total and PerKey are how many there may be in all and of one key. Zero is
	// no limit.
	Total, PerKey int
	// Code and Share are the codes of the errors when Total and PerKey are used up.
	Code, Share string
	// RaiseTotal and RaisePerKey name the settings that raise the limits.
	RaiseTotal, RaisePerKey string
	// RetryAfter is when a caller who was refused may try again.
	RetryAfter time.Duration
	// Now is the clock that limits the log to a line a second.
	Now func() time.Time
	Log *slog.Logger
}

// Budget counts by key: an address, a stream. A nil budget has no limits.
type Budget[K comparable] struct {
	Config
	total, share *sluice.Error

	mu    sync.Mutex
	held  int
	byKey map[K]int
	pace  Pace
}

// New makes a budget.
func New[K comparable](c Config) *Budget[K] {
	return &Budget[K]{
		Config: c,
		byKey:  make(map[K]int),
		total: sluice.Errorf(sluice.KindUnavailable, c.Code,
			"the server has as many %s as it can hold; try again later", c.Name).After(c.RetryAfter),
		share: sluice.Errorf(sluice.KindTooMany, c.Share,
			"there are too many %s already; close some, or try again later", c.Name).After(c.RetryAfter),
	}
}

// Take counts one more of the key, to be given back with Release. When the key's
// share is used up it fails with KindTooMany, and when the whole is with
// KindUnavailable.
func (b *Budget[K]) Take(key K) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	refusal, raise := b.take(key)
	unsaid, due := 0, false
	if refusal != nil {
		unsaid, due = b.pace.Due(b.Now())
	}
	held, share := b.held, b.byKey[key]
	b.mu.Unlock()
	if refusal == nil {
		return nil
	}
	if due {
		b.Log.Warn("budget used up", "budget", b.Name, "of", key, "held", share, "heldInAll", held, "refusedSince", unsaid,
			"raise", raise, "hint", "behind a proxy, name it with --trusted-proxy")
	}
	return refusal
}

func (b *Budget[K]) take(key K) (refusal *sluice.Error, raise string) {
	if b.PerKey > 0 && b.byKey[key] >= b.PerKey {
		return b.share, b.RaisePerKey
	}
	if b.Total > 0 && b.held >= b.Total {
		return b.total, b.RaiseTotal
	}
	b.held++
	b.byKey[key]++
	return nil, ""
}

// Release gives back what Take counted.
func (b *Budget[K]) Release(key K) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held--
	if b.byKey[key]--; b.byKey[key] <= 0 {
		delete(b.byKey, key)
	}
}

// Pace limits what is logged about one thing to a line a second. Its owner guards
// it; the zero Pace is ready.
type Pace struct {
	said   time.Time
	unsaid int
}

// Due reports whether to log now, and how many times it was not done since.
func (p *Pace) Due(now time.Time) (unsaid int, due bool) {
	if !p.said.IsZero() && now.Sub(p.said) < time.Second {
		p.unsaid++
		return 0, false
	}
	unsaid, p.unsaid, p.said = p.unsaid, 0, now
	return unsaid, true
}
