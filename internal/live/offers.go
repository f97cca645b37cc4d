package live

import "time"

// An offer costs a connection's set-up, so a stream takes only so many: more than
// any publisher needs, whose browser tries again and again on a bad network.
const (
	offerBurst    = 20
	offerInterval = time.Second
)

// offerBudget counts the offers of one stream. It belongs to the goroutine that holds the
// stream's token for offers.
type offerBudget struct {
	used float64 // of offerBurst
	at   time.Time
}

// take counts an offer in, or says how long to wait for the next.
func (b *offerBudget) take(now time.Time) (wait time.Duration) {
	b.used = max(0, b.used-float64(now.Sub(b.at))/float64(offerInterval))
	b.at = now
	if b.used > offerBurst-1 {
		return time.Duration((b.used - (offerBurst - 1)) * float64(offerInterval))
	}
	b.used++
	return 0
}
