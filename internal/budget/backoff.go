package budget

import "time"

// Between two attempts at what the system refuses.
const minPause, maxPause = 5 * time.Millisecond, time.Second

// Backoff is how long to leave something alone that fails, such as a socket of a
// process without descriptors: twice as long after each failure. Its owner guards
// it; the zero Backoff is ready.
type Backoff struct{ pause time.Duration }

// Failed is how long to wait before the next attempt.
func (b *Backoff) Failed() time.Duration {
	b.pause = min(max(2*b.pause, minPause), maxPause)
	return b.pause
}

// Succeeded makes the pause after the next failure a short one.
func (b *Backoff) Succeeded() { b.pause = 0 }
