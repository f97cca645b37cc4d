package rtpclock

import "time"

// window keeps the least value of the last one to two buckets of time.
type window struct {
	began     time.Duration
	now, past time.Duration
	filled    bool // past holds a value
	begun     bool
}

func (w *window) add(v, at, bucket time.Duration) {
	switch {
	case !w.begun:
		*w = window{began: at, now: v, begun: true}
	case at-w.began >= bucket:
		*w = window{began: at, now: v, past: w.now, filled: true, begun: true}
	default:
		w.now = min(w.now, v)
	}
}

func (w *window) value() time.Duration {
	if w.filled {
		return min(w.now, w.past)
	}
	return w.now
}

// lateness keeps the least lateness of a bucket, to tell a burst, whose last
// frames are on time again, from a delay that stays.
type lateness struct {
	began time.Duration
	least time.Duration
	begun bool
}

func (l *lateness) reset(at time.Duration) { *l = lateness{began: at} }

// add returns the least lateness when a bucket is full, and begins the next.
func (l *lateness) add(v, at time.Duration) (least time.Duration, full bool) {
	if !l.begun || v < l.least {
		l.least, l.begun = v, true
	}
	if at-l.began < lateBucket {
		return 0, false
	}
	least = l.least
	l.reset(at)
	return least, true
}
