package sqldbtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func testStreamRoundTrip(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	created := sluice.Stream{
		ID: 99, AccountID: 77, // the store's to say, not the caller's
		Name: "Früh — \"'; DROP TABLE streams", Slug: "früh", Description: "two\nlines", Quality: "360",
		CreatedAt: birth(), UpdatedAt: birth().Add(time.Second),
	}
	want := created
	require.NoError(t, store.CreateStream(t.Context(), account, &created))
	want.ID, want.AccountID, want.PlaybackID = created.ID, account, created.PlaybackID
	want.CreatedAt, want.UpdatedAt = stored(want.CreatedAt), stored(want.UpdatedAt)
	require.Equal(t, want, created)
	require.Equal(t, &want, read(t, store, created.ID))

	before := time.Now()
	undated := sluice.Stream{Name: "now", Slug: "now", Quality: "360"}
	require.NoError(t, store.CreateStream(t.Context(), account, &undated))
	require.False(t, undated.CreatedAt.Before(stored(before)), "a stream without a time is made now")
	require.Equal(t, undated.CreatedAt, undated.UpdatedAt)
	require.Greater(t, undated.ID, created.ID)

	_, err := store.Stream(t.Context(), account, sluice.StreamRef{ID: undated.ID + 1})
	require.ErrorIs(t, err, sluice.ErrStreamNotFound)
}

func testTimes(t *testing.T, store sluice.Store) {
	t.Helper()
	s := newStream(t, store, newAccount(t, store, "mine"), "clocked")
	at := func(seconds int) *time.Time { return new(birth().Add(time.Duration(seconds) * time.Second)) }
	given := sluice.Broadcast{
		PreparedAt: at(1), Anchor: at(2), StartedAt: at(3), LastMediaAt: at(4), EndedAt: at(5),
		EndCause: sluice.EndFailed, Failure: "the encoder died", Away: true,
	}
	want := given
	for _, field := range []**time.Time{
		&want.PreparedAt, &want.Anchor, &want.StartedAt, &want.LastMediaAt, &want.EndedAt,
	} {
		*field = new(stored(**field))
	}
	updated, err := store.UpdateStream(t.Context(), s.AccountID, s.ID, func(s *sluice.Stream) error {
		s.Broadcast = given
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, want, updated.Broadcast, "as returned")
	require.Equal(t, want, read(t, store, s.ID).Broadcast, "as read")
}

func testSlug(t *testing.T, store sluice.Store) {
	t.Helper()
	mine, theirs := newAccount(t, store, "mine"), newAccount(t, store, "theirs")
	newStream(t, store, mine, "Twice")
	second := newStream(t, store, mine, "Twice")
	foreign := newStream(t, store, theirs, "Twice")

	for _, look := range []struct {
		name    string
		account sluice.AccountID
		want    sluice.StreamID
	}{
		{"in its account", mine, second.ID},
		{"in the other", theirs, foreign.ID},
	} {
		got, err := store.Stream(t.Context(), look.account, sluice.StreamRef{Slug: "twice"})
		require.NoError(t, err, look.name)
		require.Equal(t, look.want, got.ID, look.name)
	}
	for _, slug := range []string{"", "TWICE", "twic%"} {
		_, err := store.Stream(t.Context(), mine, sluice.StreamRef{Slug: slug})
		require.ErrorIs(t, err, sluice.ErrStreamNotFound, "slug %q", slug)
	}
}

// Anybody finds a stream by its ids, and by a slug only as long as that cannot
// mean another account's.
func testPublicStream(t *testing.T, store sluice.Store) {
	t.Helper()
	mine, theirs := newAccount(t, store, "mine"), newAccount(t, store, "theirs")
	first, second := newStream(t, store, mine, "Twice"), newStream(t, store, mine, "Twice")
	find := func(ref sluice.StreamRef) (sluice.StreamID, error) {
		s, err := store.PublicStream(t.Context(), ref)
		if err != nil {
			return 0, err
		}
		return s.ID, nil
	}
	for _, s := range []*sluice.Stream{first, second} {
		for _, ref := range []sluice.StreamRef{{ID: s.ID}, {PlaybackID: s.PlaybackID}} {
			id, err := find(ref)
			require.NoError(t, err, "%+v", ref)
			require.Equal(t, s.ID, id, "%+v", ref)
		}
	}
	id, err := find(sluice.StreamRef{Slug: "twice"})
	require.NoError(t, err)
	require.Equal(t, second.ID, id, "the newest of the one account that uses it")

	foreign := newStream(t, store, theirs, "Twice")
	_, err = find(sluice.StreamRef{Slug: "twice"})
	require.ErrorIs(t, err, sluice.ErrStreamNotFound, "the last one to come does not have the link")
	require.NoError(t, store.DeleteStream(t.Context(), theirs, foreign.ID))
	id, err = find(sluice.StreamRef{Slug: "twice"})
	require.NoError(t, err)
	require.Equal(t, second.ID, id)

	for _, ref := range []sluice.StreamRef{{}, {ID: 99}, {ID: -1}, {PlaybackID: "pb_"}, {Slug: "none"}} {
		_, err := find(ref)
		require.ErrorIs(t, err, sluice.ErrStreamNotFound, "%+v", ref)
	}
}

func testPlaybackID(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	s, other := newStream(t, store, account, "one"), newStream(t, store, account, "other")
	require.Equal(t, sluice.StreamRef{PlaybackID: s.PlaybackID}, sluice.ParseStreamRef(s.PlaybackID))
	require.NotEqual(t, s.PlaybackID, other.PlaybackID)
	found, err := store.Stream(t.Context(), account, sluice.StreamRef{PlaybackID: s.PlaybackID})
	require.NoError(t, err)
	require.Equal(t, s, found)
	_, err = store.Stream(t.Context(), newAccount(t, store, "theirs"), sluice.StreamRef{PlaybackID: s.PlaybackID})
	require.ErrorIs(t, err, sluice.ErrStreamNotFound)

	updated, err := store.UpdateStream(t.Context(), account, s.ID, func(s *sluice.Stream) error {
		s.PlaybackID, s.Name = other.PlaybackID, "renamed"
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, s.PlaybackID, updated.PlaybackID, "it never changes")
	require.Equal(t, updated, read(t, store, s.ID))
}

func testPages(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	newStream(t, store, newAccount(t, store, "theirs"), "foreign")
	var newestFirst []sluice.StreamID
	for range 5 {
		s := newStream(t, store, account, "same second, same name")
		newestFirst = append([]sluice.StreamID{s.ID}, newestFirst...)
	}
	for _, page := range []struct {
		name          string
		offset, limit int
		want          []sluice.StreamID
	}{
		{"first", 0, 2, newestFirst[:2]},
		{"middle", 2, 2, newestFirst[2:4]},
		{"last, short", 4, 2, newestFirst[4:]},
		{"beyond", 6, 2, []sluice.StreamID{}},
		{"all", 0, 0, newestFirst},
		{"all from", 3, 0, newestFirst[3:]},
	} {
		streams, total, err := store.Streams(t.Context(), account, sluice.StreamFilter{Offset: page.offset, Limit: page.limit})
		require.NoError(t, err, page.name)
		require.Equal(t, page.want, streamIDs(streams), page.name)
		require.Equal(t, 5, total, page.name)
	}
}

func testLiveFilter(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	created := newStream(t, store, account, "created")
	prepared := newStream(t, store, account, "prepared")
	live := newStream(t, store, account, "live")
	ended := newStream(t, store, account, "ended")
	advance(t, store, prepared, prepare)
	advance(t, store, live, prepare, start)
	advance(t, store, ended, prepare, start, end)

	for _, filter := range []struct {
		name string
		live *bool
		want []sluice.StreamID
	}{
		{"both", nil, []sluice.StreamID{ended.ID, live.ID, prepared.ID, created.ID}},
		{"live", new(true), []sluice.StreamID{live.ID}},
		{"not live", new(false), []sluice.StreamID{ended.ID, prepared.ID, created.ID}},
	} {
		streams, total, err := store.Streams(t.Context(), account, sluice.StreamFilter{Live: filter.live, Limit: 10})
		require.NoError(t, err, filter.name)
		require.Equal(t, filter.want, streamIDs(streams), filter.name)
		require.Equal(t, len(filter.want), total, filter.name)
	}
	streams, total, err := store.Streams(t.Context(), account, sluice.StreamFilter{Live: new(false), Offset: 1, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []sluice.StreamID{prepared.ID}, streamIDs(streams), "a page of those that match")
	require.Equal(t, 3, total)
}

func testDelete(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	kept, gone := newStream(t, store, account, "kept"), newStream(t, store, account, "gone")
	advance(t, store, gone, prepare)

	require.NoError(t, store.DeleteStream(t.Context(), account, gone.ID))
	require.ErrorIs(t, store.DeleteStream(t.Context(), account, gone.ID), sluice.ErrStreamNotFound)
	_, err := store.Stream(t.Context(), account, sluice.StreamRef{ID: gone.ID})
	require.ErrorIs(t, err, sluice.ErrStreamNotFound)
	open, err := store.OpenStreams(t.Context(), account)
	require.NoError(t, err)
	require.Empty(t, open, "the broadcast went with its stream")
	require.Equal(t, kept, read(t, store, kept.ID))

	next := newStream(t, store, account, "next")
	require.Greater(t, next.ID, gone.ID, "a number is never given twice")
}

func testRecordMedia(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	s := newStream(t, store, account, "live")
	advance(t, store, s, prepare, start)
	before := read(t, store, s.ID)
	require.Nil(t, before.Broadcast.LastMediaAt)

	for _, record := range []struct{ at, want time.Duration }{
		{5 * time.Second, 5 * time.Second},
		{5 * time.Second, 5 * time.Second},
		{3 * time.Second, 5 * time.Second},
		{5*time.Second + time.Microsecond, 5*time.Second + time.Microsecond},
	} {
		require.NoError(t, store.RecordMedia(t.Context(), account, s.ID, birth().Add(record.at)))
		got := read(t, store, s.ID)
		require.Equal(t, stored(birth().Add(record.want)), *got.Broadcast.LastMediaAt, "recorded at %v", record.at)
		got.Broadcast.LastMediaAt = nil
		require.Equal(t, before, got, "nothing else moves")
	}
	err := store.RecordMedia(t.Context(), account, s.ID+1, birth())
	require.ErrorIs(t, err, sluice.ErrStreamNotFound)
}

func testOpenStreams(t *testing.T, store sluice.Store) {
	t.Helper()
	mine, theirs := newAccount(t, store, "mine"), newAccount(t, store, "theirs")
	newStream(t, store, mine, "created")
	prepared, live := newStream(t, store, mine, "prepared"), newStream(t, store, mine, "live")
	ended, foreign := newStream(t, store, mine, "ended"), newStream(t, store, theirs, "foreign")
	advance(t, store, prepared, prepare)
	advance(t, store, live, prepare, start)
	advance(t, store, ended, prepare, start, end)
	advance(t, store, foreign, prepare)

	for account, want := range map[sluice.AccountID][]sluice.StreamID{
		mine:   {prepared.ID, live.ID},
		theirs: {foreign.ID},
	} {
		open, err := store.OpenStreams(t.Context(), account)
		require.NoError(t, err)
		require.ElementsMatch(t, want, streamIDs(open), "account %d", account)
	}
	open, err := store.AllOpenStreams(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []sluice.StreamID{prepared.ID, live.ID, foreign.ID}, streamIDs(open))
}
