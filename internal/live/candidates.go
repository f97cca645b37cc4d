package live

import (
	"time"

	"github.com/sluicelive/sluice"
)

const (
	maxWaiting = 64               // candidates kept for an offer that is not here yet
	maxWait    = 30 * time.Second // and for how long
)

// candidates keeps a publisher's ICE candidates until the offer they belong to
// arrives: clients send them without waiting for the answer to init.
type candidates struct {
	waiting []waitingCandidate
}

type waitingCandidate struct {
	candidate sluice.ICECandidate
	at        time.Time
}

// add keeps c; beyond the bound the oldest goes.
func (q *candidates) add(c sluice.ICECandidate, now time.Time) {
	if len(q.waiting) == maxWaiting {
		q.waiting = q.waiting[1:]
	}
	q.waiting = append(q.waiting, waitingCandidate{c, now})
}

// take returns the candidates that are not too old, and forgets all.
func (q *candidates) take(now time.Time) []sluice.ICECandidate {
	var fresh []sluice.ICECandidate
	for _, w := range q.waiting {
		if now.Sub(w.at) <= maxWait {
			fresh = append(fresh, w.candidate)
		}
	}
	q.waiting = nil
	return fresh
}
