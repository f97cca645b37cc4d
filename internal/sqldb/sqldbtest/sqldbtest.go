// Package sqldbtest is the contract of sluice.Store as tests, which every back
// end runs.
package sqldbtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

// Run tests that the stores which open returns, each empty and its own, keep
// the contract. The stores are closed by open's own cleanup.
func Run(t *testing.T, open func(t *testing.T) sluice.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, store sluice.Store)
	}{
		{"accounts come back oldest first", testAccounts},
		{"keys", testKeys},
		{"key used and revoked", testKeyLife},
		{"stream comes back as it was created", testStreamRoundTrip},
		{"times come back in UTC to the microsecond", testTimes},
		{"slug means the newest of its account", testSlug},
		{"public look-up", testPublicStream},
		{"playback id", testPlaybackID},
		{"page", testPages},
		{"live filter", testLiveFilter},
		{"update", testUpdate},
		{"update refused leaves the stream as it was", testUpdateRefused},
		{"update that panics leaves the stream as it was", testUpdatePanics},
		{"update without a change is none", testUpdateNothing},
		{"updates at once lose nothing", testUpdatesAtOnce},
		{"delete", testDelete},
		{"recorded media never moves back", testRecordMedia},
		{"open streams", testOpenStreams},
		{"another account's row is absent", testIsolation},
		{"the zero account has nothing", testZeroAccount},
		{"canceled", testCancelled},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// birth is a time with microseconds in a zone of its own, as no store keeps it.
func birth() time.Time {
	return time.Date(2022, 2, 22, 12, 28, 20, 692_625_789, time.FixedZone("UTC+2", 2*60*60))
}

// stored is how a time comes back.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func newAccount(t *testing.T, store sluice.Store, name string) sluice.AccountID {
	t.Helper()
	a := sluice.Account{Name: name, CreatedAt: birth()}
	require.NoError(t, store.CreateAccount(t.Context(), &a))
	return a.ID
}

func newKey(t *testing.T, store sluice.Store, account sluice.AccountID, at time.Time) sluice.Key {
	t.Helper()
	k, _ := sluice.NewKey(account, "laptop", at)
	require.NoError(t, store.CreateKey(t.Context(), account, k))
	return k
}

func newStream(t *testing.T, store sluice.Store, account sluice.AccountID, name string) *sluice.Stream {
	t.Helper()
	s := sluice.Stream{Name: name, CreatedAt: birth()}
	require.NoError(t, s.Validate())
	require.NoError(t, store.CreateStream(t.Context(), account, &s))
	return &s
}

func read(t *testing.T, store sluice.Store, id sluice.StreamID) *sluice.Stream {
	t.Helper()
	s, err := store.PublicStream(t.Context(), sluice.StreamRef{ID: id})
	require.NoError(t, err)
	return s
}

// advance takes a stream through the steps of its life, in a second each.
func advance(t *testing.T, store sluice.Store, s *sluice.Stream, steps ...func(*sluice.Stream, time.Time) error) {
	t.Helper()
	for i, step := range steps {
		_, err := store.UpdateStream(t.Context(), s.AccountID, s.ID, func(s *sluice.Stream) error {
			return step(s, birth().Add(time.Duration(i)*time.Second))
		})
		require.NoError(t, err)
	}
}

func prepare(s *sluice.Stream, at time.Time) error { return s.Prepare(at) }
func start(s *sluice.Stream, at time.Time) error   { return s.Start(at) }
func end(s *sluice.Stream, at time.Time) error     { return s.End(at, sluice.EndRequested) }

func streamIDs(streams []sluice.Stream) []sluice.StreamID {
	ids := make([]sluice.StreamID, len(streams))
	for i := range streams {
		ids[i] = streams[i].ID
	}
	return ids
}
