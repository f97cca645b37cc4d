package loadtest

import (
	"net/http"
	"sync"
	"time"
)

// serverClock finds out how far the server's clock is ahead of ours. Each answer
// that names a time bounds it from both sides, because the server wrote it
// between the request and the answer: dates of whole seconds, too, come to
// within a few milliseconds together.
type serverClock struct {
	mu     sync.Mutex
	known  bool
	lo, hi time.Duration
}

// saw takes a time that the server named, exact to a unit, in the answer to a
// request.
func (c *serverClock) saw(named time.Time, unit time.Duration, sent, got time.Time) {
	lo, hi := named.Sub(got), named.Add(unit).Sub(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || lo > c.hi || hi < c.lo { // the first, or a clock that was set
		c.known, c.lo, c.hi = true, lo, hi
		return
	}
	c.lo, c.hi = max(c.lo, lo), min(c.hi, hi)
}

// sawDate takes the Date of an answer. One that a cache kept for a while is as
// old as that.
func (c *serverClock) sawDate(h http.Header, sent, got time.Time) {
	if age := h.Get("Age"); age != "" && age != "0" {
		return
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		c.saw(date, time.Second, sent, got)
	}
}

// offset is what to add to our time: as little as the answers allow.
func (c *serverClock) offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.lo, min(c.hi, 0))
}
