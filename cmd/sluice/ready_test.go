package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// S19: however often it is asked for, the database is read once a second.
func TestReadiness(t *testing.T) {
	now, asked := time.Unix(1000, 0), 0
	var fault error
	r := newReadiness(func() time.Time { return now },
		check{"database", func(context.Context) error { asked++; return fault }},
		check{"ingest", func(context.Context) error { return nil }})
	for range 100 {
		require.NoError(t, r.ready(t.Context()))
	}
	require.Equal(t, 1, asked)
	fault = errors.New("gone")
	require.NoError(t, r.ready(t.Context()), "within the second")
	now = now.Add(readyFor)
	require.ErrorContains(t, r.ready(t.Context()), "database: gone")
	left, leave := context.WithCancel(t.Context())
	leave()
	now = now.Add(readyFor)
	require.ErrorIs(t, r.ready(left), context.Canceled, "one who left finds nothing out")
	fault = nil
	require.NoError(t, r.ready(t.Context()))
}

// One who leaves while the server looks neither ends the look nor has it made
// again for the next.
func TestReadinessOfThoseWhoLeave(t *testing.T) {
	now, asked := time.Unix(1000, 0), 0
	left, leave := context.WithCancel(t.Context())
	r := newReadiness(func() time.Time { return now }, check{"database", func(ctx context.Context) error {
		asked++
		leave()
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		return ctx.Err()
	}})
	require.NoError(t, r.ready(left))
	require.NoError(t, r.ready(t.Context()))
	require.Equal(t, 1, asked)
}

// A look that takes longer than its outcome holds is made once for all who wait.
func TestReadinessOfASlowLook(t *testing.T) {
	now, asked := time.Unix(1000, 0), 0
	r := newReadiness(func() time.Time { return now }, check{"ingest", func(context.Context) error {
		asked++
		now = now.Add(2 * time.Second)
		return errors.New("dead")
	}})
	for range 100 {
		require.ErrorContains(t, r.ready(t.Context()), "ingest: dead")
	}
	require.Equal(t, 1, asked)
}
