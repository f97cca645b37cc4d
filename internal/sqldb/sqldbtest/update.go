package sqldbtest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
)

func testUpdate(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	s, untouched := newStream(t, store, account, "before"), newStream(t, store, account, "untouched")
	started := time.Now()

	updated, err := store.UpdateStream(t.Context(), account, s.ID, func(s *sluice.Stream) error {
		s.Name, s.Slug, s.Description, s.Quality = "after", "after", "changed", "480"
		s.ID, s.AccountID, s.CreatedAt = 99, 77, time.Now() // not to be changed
		return nil
	})
	require.NoError(t, err)
	want := *s
	want.Name, want.Slug, want.Description, want.Quality = "after", "after", "changed", "480"
	want.UpdatedAt = updated.UpdatedAt
	require.Equal(t, &want, updated)
	require.False(t, updated.UpdatedAt.Before(stored(started)))
	require.Equal(t, updated, read(t, store, s.ID))
	require.Equal(t, untouched, read(t, store, untouched.ID))

	_, err = store.UpdateStream(t.Context(), account, untouched.ID+1, func(*sluice.Stream) error {
		t.Error("called for a stream that is not there")
		return nil
	})
	require.ErrorIs(t, err, sluice.ErrStreamNotFound)
}

func testUpdateRefused(t *testing.T, store sluice.Store) {
	t.Helper()
	s := newStream(t, store, newAccount(t, store, "mine"), "before")
	refusal := errors.New("not now")
	_, err := store.UpdateStream(t.Context(), s.AccountID, s.ID, func(s *sluice.Stream) error {
		s.Name = "after"
		s.Broadcast.PreparedAt = new(birth())
		return refusal
	})
	require.Same(t, refusal, err, "unwrapped")
	require.Equal(t, s, read(t, store, s.ID))
}

func testUpdatePanics(t *testing.T, store sluice.Store) {
	t.Helper()
	s := newStream(t, store, newAccount(t, store, "mine"), "before")
	require.Panics(t, func() {
		_, _ = store.UpdateStream(t.Context(), s.AccountID, s.ID, func(s *sluice.Stream) error {
			s.Name = "after"
			panic("in the change")
		})
	})
	require.Equal(t, s, read(t, store, s.ID))
	advance(t, store, s, prepare) // the store still writes
}

func testUpdateNothing(t *testing.T, store sluice.Store) {
	t.Helper()
	s := newStream(t, store, newAccount(t, store, "mine"), "same")
	advance(t, store, s, prepare)
	before := read(t, store, s.ID)
	updated, err := store.UpdateStream(t.Context(), s.AccountID, s.ID, func(s *sluice.Stream) error {
		return s.Prepare(time.Now())
	})
	require.NoError(t, err)
	require.Equal(t, before, updated, "a repeated prepare moves nothing, UpdatedAt included")
	require.Equal(t, before, read(t, store, s.ID))
}

func testUpdatesAtOnce(t *testing.T, store sluice.Store) {
	t.Helper()
	s := newStream(t, store, newAccount(t, store, "mine"), "counted")
	const writers, updates = 8, 5
	var group errgroup.Group
	for range writers {
		group.Go(func() error {
			for range updates {
				_, err := store.UpdateStream(t.Context(), s.AccountID, s.ID, func(s *sluice.Stream) error {
					s.Description += "."
					return nil
				})
				if err != nil {
					return err
				}
				if err := store.RecordMedia(t.Context(), s.AccountID, s.ID, birth()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, read(t, store, s.ID).Description, writers*updates)
}
