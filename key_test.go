package sluice_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestNewKey(t *testing.T) {
	now := time.Date(2022, 2, 22, 10, 28, 20, 0, time.UTC)
	k, text := sluice.NewKey(7, "laptop", now)

	require.Regexp(t, `^sluice_[a-z2-7]{8}_[a-z2-7]{32}$`, text, "prefix, 40 bits of id, 160 bits of secret")
	parts := strings.Split(text, "_")
	require.Equal(t, sluice.Key{
		ID:        parts[1],
		AccountID: 7,
		Name:      "laptop",
		Hint:      "sluice_" + parts[1] + "_…",
		Hash:      sha256.Sum256([]byte(text)),
		CreatedAt: now,
	}, k)
	require.Equal(t, k.ID, sluice.KeyID(text), "the bearer's text leads to the stored key")

	other, otherText := sluice.NewKey(7, "laptop", now)
	require.NotEqual(t, text, otherText)
	require.NotEqual(t, k.ID, other.ID)
	require.NotEqual(t, k.Hash, other.Hash)
}

func TestKeyFromText(t *testing.T) {
	ownForm := "sluice_abcdefgh_0123456789abcdef"
	for _, test := range []struct {
		name, text string
		id, hint   string // id is a part of the hash when empty
	}{
		{"our own form", ownForm, "abcdefgh", "sluice_abcdefgh_…"},
		{"any text", "correct horse battery staple", "", "cor…"},
		{"of the least length", strings.Repeat("x", sluice.MinKeyLength), "", "xxx…"},
		{"a letter of two bytes is not cut in half", "éééééééééééé", "", "é…"},
		{"our form with the secret in the wrong place", "sluice_0123456789abcdef_x", "", "slu…"},
		{"our form without an id", "sluice__0123456789abcdef", "", "slu…"},
		{"our form with a strange id", "sluice_Ab\xff_0123456789abcdef", "", "slu…"},
		{"another prefix", "stripe_abcdefgh_0123456789abcdef", "", "str…"},
		{"four parts", ownForm + "_x", "", "slu…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k, err := sluice.KeyFromText(1, "bootstrap", test.text, time.Time{})
			require.NoError(t, err)
			require.Equal(t, test.hint, k.Hint)
			require.Equal(t, sluice.KeyID(test.text), k.ID)
			if test.id != "" {
				require.Equal(t, test.id, k.ID)
			} else {
				require.Regexp(t, `^[0-9a-f]{10}$`, k.ID)
			}
			require.True(t, k.Accepts(test.text))
		})
	}
}

func TestKeyTooShort(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("x", sluice.MinKeyLength-1)} {
		_, err := sluice.KeyFromText(1, "bootstrap", text, time.Time{})
		require.Equal(t, "key_too_short", sluice.AsError(err).Code, "%q", text)
		require.NotPanics(t, func() { sluice.KeyID(text) }, "a bearer may send anything")
	}
}

func TestKeyAccepts(t *testing.T) {
	k, text := sluice.NewKey(1, "laptop", time.Time{})
	revoked := k
	revoked.RevokedAt = new(time.Time)

	require.True(t, k.Accepts(text))
	require.False(t, k.Accepts(""))
	require.False(t, k.Accepts(strings.ToUpper(text)))
	require.False(t, k.Accepts(text[:len(text)-1]))
	require.False(t, k.Accepts(text+"a"))
	require.False(t, k.Accepts(k.Hint))
	require.False(t, revoked.Accepts(text))
	require.False(t, sluice.Key{}.Accepts(""), "the zero key accepts nothing")
}

// A key of any text is found again by it, and what is shown of it is short and
// never the secret part.
func FuzzKeyFromText(f *testing.F) {
	_, own := sluice.NewKey(1, "", time.Time{})
	for _, text := range []string{own, "", "sluice_a_b", "sluice_aaaaaaaaaaaaaaaa_", strings.Repeat("\xff", 20), "ééééééééé"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := sluice.KeyFromText(1, "fuzzed", text, time.Time{})
		if err != nil {
			require.Less(t, len(text), sluice.MinKeyLength)
			return
		}
		require.Equal(t, sluice.KeyID(text), k.ID)
		require.True(t, k.Accepts(text))
		require.Regexp(t, `^[0-9a-z]+$`, k.ID, "it can stand in any table and any log")
		require.True(t, utf8.ValidString(k.Hint))
		shown := strings.TrimSuffix(k.Hint, "…")
		require.True(t, len(shown) <= 3 || shown == "sluice_"+k.ID+"_")
		require.GreaterOrEqual(t, len(text)-len(shown), 16-3, "enough stays secret")
	})
}
