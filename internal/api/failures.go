package api

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
)

// The budget of wrong keys: so many at once, then one each interval. A key has
// 160 random bits, so this keeps attempts from costing the server, and makes
// them seen; it is not what keeps keys from being guessed.
const (
	wrongKeysAtOnce = 20
	wrongKeysEvery  = 3 * time.Second
	// wrongKeysShare is how many addresses it takes to use up the budget of a key,
	// which is as many times larger: one alone cannot have those slowed down who
	// mistype it elsewhere.
	wrongKeysShare = 5
	// maxCulprits bounds the memory, at some 2 MB. When more addresses than that
	// send wrong keys, those that come after share one budget.
	maxCulprits = 20_000
)

var errTooManyKeys = sluice.Errorf(sluice.KindTooMany, "too_many_wrong_keys",
	"too many wrong application keys came from this address, or for this key; wait, then send a valid one")

// failures counts wrong keys by address, and by the key that they give
// themselves out for.
type failures struct {
	mu    sync.Mutex
	spent map[culprit]debt
	swept time.Time
}

// culprit is whom a wrong key is charged to: an address, or a key's public id.
type culprit struct {
	addr netip.Addr
	key  string
}

// debt is a budget that was drawn on: when it will be whole again, and whether
// the log says that it was used up.
type debt struct {
	whole time.Time
	said  bool
}

// verdict is what a wrong key leads to.
type verdict struct {
	wait   time.Duration // until another one is looked at; 0: within the budget
	report bool          // the first beyond the budget
}

func newFailures() *failures { return &failures{spent: map[culprit]debt{}} }

// count charges a wrong key to its sender, and to the key it gives itself out
// for where there is one of that id. Ids that are not are as many as one likes.
func (f *failures) count(from netip.Addr, key string, now time.Time) verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.swept) >= wrongKeysAtOnce*wrongKeysEvery {
		f.sweep(now)
	}
	v := f.charge(culprit{addr: from}, 1, now)
	if v.wait == 0 && key != "" { // what is over the address's budget is not drawn on the key's
		v = f.charge(culprit{key: key}, wrongKeysShare, now)
	}
	return v
}

// charge draws on one budget, which is some times as large as that of an address,
// unless it is used up.
func (f *failures) charge(c culprit, times time.Duration, now time.Time) verdict {
	d, known := f.spent[c]
	if !known && len(f.spent) >= maxCulprits {
		c = culprit{} // the budget that all share who come too late
		d = f.spent[c]
	}
	if d.whole.Before(now) {
		d = debt{whole: now}
	}
	next := d.whole.Add(wrongKeysEvery / times)
	if wait := next.Sub(now) - wrongKeysAtOnce*wrongKeysEvery; wait > 0 {
		v := verdict{wait: wait, report: !d.said}
		d.said = true
		f.spent[c] = d
		return v
	}
	d.whole = next
	f.spent[c] = d
	return verdict{}
}

// sweep forgets the budgets that are whole again.
func (f *failures) sweep(now time.Time) {
	f.swept = now
	for c, d := range f.spent {
		if d.whole.Before(now) {
			delete(f.spent, c)
		}
	}
}
