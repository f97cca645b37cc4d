package sqldbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

// An act is a method of the store, asked by an account for things that are, or
// are not, its own.
type act struct {
	name string
	do   func(ctx context.Context, store sluice.Store, account sluice.AccountID, s *sluice.Stream, k sluice.Key) error
	want error
}

// acts are all methods that name a row.
func acts() []act {
	return []act{
		{"Key", func(ctx context.Context, store sluice.Store, account sluice.AccountID, _ *sluice.Stream, k sluice.Key) error {
			_, err := store.Key(ctx, account, k.ID)
			return err
		}, sluice.ErrKeyNotFound},
		{"TouchKey", func(ctx context.Context, store sluice.Store, account sluice.AccountID, _ *sluice.Stream, k sluice.Key) error {
			return store.TouchKey(ctx, account, k.ID, birth())
		}, sluice.ErrKeyNotFound},
		{"RevokeKey", func(ctx context.Context, store sluice.Store, account sluice.AccountID, _ *sluice.Stream, k sluice.Key) error {
			return store.RevokeKey(ctx, account, k.ID, birth())
		}, sluice.ErrKeyNotFound},
		{"Stream by id", func(ctx context.Context, store sluice.Store, account sluice.AccountID, s *sluice.Stream, _ sluice.Key) error {
			_, err := store.Stream(ctx, account, sluice.StreamRef{ID: s.ID})
			return err
		}, sluice.ErrStreamNotFound},
		{"Stream by slug", func(ctx context.Context, store sluice.Store, account sluice.AccountID, s *sluice.Stream, _ sluice.Key) error {
			_, err := store.Stream(ctx, account, sluice.StreamRef{Slug: s.Slug})
			return err
		}, sluice.ErrStreamNotFound},
		{"RecordMedia", func(ctx context.Context, store sluice.Store, account sluice.AccountID, s *sluice.Stream, _ sluice.Key) error {
			return store.RecordMedia(ctx, account, s.ID, birth())
		}, sluice.ErrStreamNotFound},
		{"UpdateStream", func(ctx context.Context, store sluice.Store, account sluice.AccountID, s *sluice.Stream, _ sluice.Key) error {
			_, err := store.UpdateStream(ctx, account, s.ID, func(s *sluice.Stream) error {
				s.Description = "changed"
				return nil
			})
			return err
		}, sluice.ErrStreamNotFound},
		{"DeleteStream", func(ctx context.Context, store sluice.Store, account sluice.AccountID, s *sluice.Stream, _ sluice.Key) error {
			return store.DeleteStream(ctx, account, s.ID)
		}, sluice.ErrStreamNotFound},
	}
}

func testIsolation(t *testing.T, store sluice.Store) {
	t.Helper()
	mine, theirs := newAccount(t, store, "mine"), newAccount(t, store, "theirs")
	s, k := newStream(t, store, theirs, "theirs"), newKey(t, store, theirs, birth())
	advance(t, store, s, prepare, start)
	before := read(t, store, s.ID)

	for _, act := range acts() {
		require.ErrorIs(t, act.do(t.Context(), store, mine, s, k), act.want, "%s by another account", act.name)
	}
	requireNoneOf(t, store, mine)
	requireUnchanged(t, store, before, k)
	for _, act := range acts() {
		require.NoError(t, act.do(t.Context(), store, theirs, s, k), "%s by the owner", act.name)
	}
}

// The zero account is what a request without a key has: it reads nothing and
// writes nothing.
func testZeroAccount(t *testing.T, store sluice.Store) {
	t.Helper()
	const none = sluice.AccountID(0)
	theirs := newAccount(t, store, "theirs")
	s, k := newStream(t, store, theirs, "theirs"), newKey(t, store, theirs, birth())
	advance(t, store, s, prepare, start)
	before := read(t, store, s.ID)

	for _, act := range acts() {
		require.ErrorIs(t, act.do(t.Context(), store, none, s, k), act.want, act.name)
	}
	requireNoneOf(t, store, none)
	requireUnchanged(t, store, before, k)

	orphan := sluice.Stream{Name: "orphan", Slug: "orphan", Quality: "360"}
	require.Error(t, store.CreateStream(t.Context(), none, &orphan))
	require.Error(t, store.CreateStream(t.Context(), theirs+1, &orphan), "an account that is not")
	key, _ := sluice.NewKey(none, "orphan", birth())
	require.Error(t, store.CreateKey(t.Context(), none, key))
}

func testCancelled(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	s, k := newStream(t, store, account, "mine"), newKey(t, store, account, birth())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, act := range acts() {
		require.ErrorIs(t, act.do(ctx, store, account, s, k), context.Canceled, act.name)
	}
	requireUnchanged(t, store, s, k)
}

// requireNoneOf is that no list shows an account anything.
func requireNoneOf(t *testing.T, store sluice.Store, account sluice.AccountID) {
	t.Helper()
	keys, err := store.Keys(t.Context(), account)
	require.NoError(t, err)
	require.Empty(t, keys)
	streams, total, err := store.Streams(t.Context(), account, sluice.StreamFilter{})
	require.NoError(t, err)
	require.Empty(t, streams)
	require.Zero(t, total)
	open, err := store.OpenStreams(t.Context(), account)
	require.NoError(t, err)
	require.Empty(t, open)
}

func requireUnchanged(t *testing.T, store sluice.Store, s *sluice.Stream, k sluice.Key) {
	t.Helper()
	require.Equal(t, s, read(t, store, s.ID))
	got, err := store.AnyKey(t.Context(), k.ID)
	require.NoError(t, err)
	k.CreatedAt = stored(k.CreatedAt)
	require.Equal(t, k, got)
}
