package live

import (
	"context"
	"log/slog"
)

// chores does a stream's slow work, one piece after the other, so that its loop
// never waits for a disk or a child process.
type chores struct {
	queue chan func(context.Context)
	log   *slog.Logger
}

func newChores(log *slog.Logger) *chores {
	return &chores{queue: make(chan func(context.Context), 64), log: log}
}

// do hands over a piece of work. When too much waits already, it is left out:
// what is left out is told again by the next change of the same kind.
func (c *chores) do(f func(context.Context)) {
	select {
	case c.queue <- f:
	default:
		c.log.Warn("too much work waits, some is left out")
	}
}

// run works until ctx ends.
func (c *chores) run(ctx context.Context) {
	for {
		select {
		case f := <-c.queue:
			f(ctx)
		case <-ctx.Done():
			return
		}
	}
}
