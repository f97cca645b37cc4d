package api

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFailures(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	f := newFailures()
	for range wrongKeysAtOnce {
		require.Equal(t, verdict{}, f.count(one, "", now))
	}
	require.Equal(t, verdict{wait: wrongKeysEvery, report: true}, f.count(one, "", now), "the first beyond the budget is told of")
	require.Equal(t, verdict{wait: wrongKeysEvery}, f.count(one, "", now), "and only that")
	require.Equal(t, verdict{wait: time.Second}, f.count(one, "", now.Add(2*time.Second)), "what is refused costs nothing")
	require.Equal(t, verdict{}, f.count(two, "", now), "others have budgets of their own")

	require.Equal(t, verdict{}, f.count(one, "", now.Add(wrongKeysEvery)))
	require.Equal(t, verdict{wait: wrongKeysEvery}, f.count(one, "", now.Add(wrongKeysEvery)), "it is the same burst")
	whole := now.Add(time.Hour)
	for range wrongKeysAtOnce {
		require.Equal(t, verdict{}, f.count(one, "", whole))
	}
	require.True(t, f.count(one, "", whole).report, "and this another one")
}

// Many addresses that try one key share its budget.
func TestFailuresOfOneKey(t *testing.T) {
	now, f := time.Now(), newFailures()
	for i := range wrongKeysShare * wrongKeysAtOnce {
		require.Equal(t, verdict{}, f.count(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), "abcdefgh", now))
	}
	other := netip.MustParseAddr("198.51.100.1")
	require.Equal(t, verdict{wait: wrongKeysEvery / wrongKeysShare, report: true}, f.count(other, "abcdefgh", now))
	require.Equal(t, verdict{}, f.count(other, "another", now))
}

// One address that tries one key, for as long as it likes, is refused alone:
// who mistypes that key elsewhere is told that it is wrong.
func TestOneAddressDoesNotUseUpAKey(t *testing.T) {
	now, f := time.Now(), newFailures()
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	for second := range 600 {
		at := now.Add(time.Duration(second) * time.Second)
		for range 100 {
			f.count(one, "abcdefgh", at)
		}
		if second%60 == 59 {
			require.Positive(t, f.count(one, "abcdefgh", at).wait)
			require.Equal(t, verdict{}, f.count(other, "abcdefgh", at), "after %d s", second)
		}
	}
}

// Memory is bounded however many addresses there are.
func TestFailuresAreForgotten(t *testing.T) {
	now, f := time.Now(), newFailures()
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range maxCulprits + 1000 {
		f.count(address(i), "", now)
	}
	require.LessOrEqual(t, len(f.spent), maxCulprits+1)
	require.Positive(t, f.count(address(maxCulprits+2000), "", now).wait, "those who come too late share one budget")
	require.Equal(t, verdict{}, f.count(address(7), "", now), "those who were there before keep theirs")
	f.count(address(1), "", now.Add(time.Hour))
	require.Len(t, f.spent, 1)
}
