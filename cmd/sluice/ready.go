package main

import (
	"context"
	"fmt"
	"time"
)

// readyFor is how long an answer to /readyz holds. Anybody may ask, as often as
// they like.
const readyFor = time.Second

// readyTimeout bounds one look: who asks next waits for it.
const readyTimeout = 5 * time.Second

// readiness is the checks behind /readyz. The first that fails is the answer.
type readiness struct {
	checks []check
	now    func() time.Time
	turn   chan struct{} // held by the one who looks: the others take what it finds

	// Of the one who holds turn.
	looked time.Time
	found  error
}

// check is one thing that the server needs to do its work.
type check struct {
	name string
	ask  func(context.Context) error
}

func newReadiness(now func() time.Time, checks ...check) *readiness {
	return &readiness{checks: checks, now: now, turn: make(chan struct{}, 1)}
}

// ready reports what does not work, as a look found that ended within the last
// second.
func (r *readiness) ready(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turn }()
	if err := ctx.Err(); err != nil {
		return err // who has left needs no look
	}
	if r.looked.IsZero() || r.now().Sub(r.looked) >= readyFor {
		// Others are told the outcome, too, so it does not depend on who asked first:
		// one that leaves at once, again and again, would have the server look each time.
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.found = r.look(free)
		// A look can take longer than its outcome holds: who waited for it takes that,
		// and does not look again.
		r.looked = r.now()
	}
	return r.found
}

func (r *readiness) look(ctx context.Context) error {
	for _, c := range r.checks {
		if err := c.ask(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}
