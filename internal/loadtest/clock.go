package loadtest

import (
	"net/http"
	"strconv"
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

// sawDate takes the Date of an answer. One that a cache kept is older, by the whole
// seconds that the cache names and a part of one.
func (c *serverClock) sawDate(h http.Header, sent, got time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	unit := time.Second
	if h.Get("Age") != "" {
		age, err := strconv.ParseUint(h.Get("Age"), 10, 31)
		if err != nil {
			return
		}
		date, unit = date.Add(time.Duration(age)*time.Second), 2*time.Second
	}
	c.saw(date, unit, sent, got)
}

// offset is what to add to our time: as little as the answers allow.
func (c *serverClock) offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.lo, min(c.hi, 0))
}
