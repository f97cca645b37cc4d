package sqldbtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func testAccounts(t *testing.T, store sluice.Store) {
	t.Helper()
	none, err := store.Accounts(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	before := time.Now()
	given := sluice.Account{Name: "first", CreatedAt: birth()}
	undated := sluice.Account{Name: "second"}
	require.NoError(t, store.CreateAccount(t.Context(), &given))
	require.NoError(t, store.CreateAccount(t.Context(), &undated))
	require.NotZero(t, given.ID)
	require.NotEqual(t, given.ID, undated.ID)
	require.Equal(t, stored(birth()), given.CreatedAt)
	require.False(t, undated.CreatedAt.Before(stored(before)), "an account without a time is made now")

	accounts, err := store.Accounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []sluice.Account{given, undated}, accounts)
}

func testKeys(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	other := newAccount(t, store, "theirs")
	second := newKey(t, store, account, birth().Add(time.Second))
	first := newKey(t, store, account, birth())
	foreign := newKey(t, store, other, birth().Add(time.Minute))

	keys, err := store.Keys(t.Context(), account)
	require.NoError(t, err)
	require.Equal(t, []string{first.ID, second.ID}, keyIDs(keys), "oldest first")
	keys, err = store.AllKeys(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{first.ID, second.ID, foreign.ID}, keyIDs(keys))

	want := first
	want.CreatedAt = stored(first.CreatedAt)
	got, err := store.AnyKey(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)

	_, err = store.AnyKey(t.Context(), "none")
	require.ErrorIs(t, err, sluice.ErrKeyNotFound)

	err = store.CreateKey(t.Context(), other, first)
	require.Equal(t, "key_exists", sluice.AsError(err).Code, "ids are unique over all accounts")
	again, err := store.AnyKey(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, want, again, "the first key stays")
}

func testKeyLife(t *testing.T, store sluice.Store) {
	t.Helper()
	account := newAccount(t, store, "mine")
	k, text := sluice.NewKey(account, "laptop", birth())
	require.NoError(t, store.CreateKey(t.Context(), account, k))
	used, revoked := birth().Add(time.Hour), birth().Add(2*time.Hour)

	require.NoError(t, store.TouchKey(t.Context(), account, k.ID, used))
	got, err := store.Key(t.Context(), account, k.ID)
	require.NoError(t, err)
	require.Equal(t, stored(used), *got.LastUsedAt)
	require.Nil(t, got.RevokedAt)
	require.True(t, got.Accepts(text))

	require.NoError(t, store.RevokeKey(t.Context(), account, k.ID, revoked))
	require.NoError(t, store.RevokeKey(t.Context(), account, k.ID, revoked.Add(time.Hour)), "a repeat")
	got, err = store.Key(t.Context(), account, k.ID)
	require.NoError(t, err)
	require.Equal(t, stored(revoked), *got.RevokedAt, "the first time stays")
	require.Equal(t, stored(used), *got.LastUsedAt)
	require.False(t, got.Accepts(text))

	require.ErrorIs(t, store.TouchKey(t.Context(), account, "none", used), sluice.ErrKeyNotFound)
	require.ErrorIs(t, store.RevokeKey(t.Context(), account, "none", used), sluice.ErrKeyNotFound)
}

func keyIDs(keys []sluice.Key) []string {
	ids := make([]string, len(keys))
	for i := range keys {
		ids[i] = keys[i].ID
	}
	return ids
}
