package loadtest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// tally counts what all viewers see together.
type tally struct {
	requests atomic.Int64
	bytes    atomic.Int64

	startup spread
	latency spread
	arrival spread

	mu     sync.Mutex
	faults map[string]*Errors
}

func newTally() *tally { return &tally{faults: map[string]*Errors{}} }

func (t *tally) requested()     { t.requests.Add(1) }
func (t *tally) received(n int) { t.bytes.Add(int64(n)) }

// failed counts a fault, and keeps the first of its kind as an example.
func (t *tally) failed(err error) {
	kind, example := "other", err.Error()
	if f, ok := errors.AsType[*fault](err); ok {
		kind = f.kind
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.faults[kind]
	if e == nil {
		e = &Errors{Kind: kind, Example: example}
		t.faults[kind] = e
	}
	e.Count++
}

// spread is how often each duration was seen, to the millisecond: what an hour of
// a thousand viewers comes to takes no more room than a minute of one.
type spread struct {
	mu     sync.Mutex
	counts [slots]uint32
	n      int
	most   time.Duration
}

// slots are the milliseconds that are told apart: what lies beyond is a minute.
const slots = 60_000

func (s *spread) add(d time.Duration) {
	slot := min(max(d.Milliseconds(), 0), slots-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[slot]++
	s.n++
	s.most = max(s.most, d)
}

// percentile is the duration that p percent do not exceed, by the nearest rank.
func (s *spread) percentile(p int) time.Duration {
	rank := (s.n*p + 99) / 100
	for slot, seen := 0, 0; slot < slots; slot++ {
		if seen += int(s.counts[slot]); seen >= rank {
			return time.Duration(slot) * time.Millisecond
		}
	}
	return s.most
}

// sum gives the percentiles of a spread; nil when it is empty.
func (s *spread) sum() *Percentiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == 0 {
		return nil
	}
	return &Percentiles{
		P50: inSeconds(s.percentile(50)), P95: inSeconds(s.percentile(95)), P99: inSeconds(s.percentile(99)),
		Max: inSeconds(s.most),
	}
}

// inSeconds is a length in seconds, to the millisecond.
func inSeconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
