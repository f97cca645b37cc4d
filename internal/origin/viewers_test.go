package origin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func request(t *testing.T, addr, agent string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/streams/7/master.m3u8", nil)
	r.RemoteAddr = addr
	r.Header.Set("User-Agent", agent)
	return r
}

// S18: one address is as many viewers as it has kinds of browser, up to a bound,
// and a network of IPv6 as many as it has addresses, up to another.
func TestViewersOfOneAddressAreBounded(t *testing.T) {
	now := time.Now()
	v := newViewers()
	for i := range 3000 {
		v.saw(7, request(t, "192.0.2.1:5000", fmt.Sprint("agent ", i)), now)
		v.saw(7, request(t, fmt.Sprintf("[2001:db8::%x]:5000", i+1), "agent"), now)
	}
	const bounded = maxOfAddress + maxOfNetwork
	require.Equal(t, bounded, v.count(7, now), "an address, and a network of IPv6")
	for i := range 3000 {
		v.saw(7, request(t, fmt.Sprintf("198.51.%d.%d:5000", i/250, i%250), "agent"), now)
	}
	require.Equal(t, bounded+3000, v.count(7, now), "others are counted as ever")

	later := now.Add(viewerWindow)
	require.Zero(t, v.count(7, later))
	for i := range 3000 {
		v.saw(7, request(t, "192.0.2.1:5000", fmt.Sprint("another ", i)), later)
	}
	require.Equal(t, maxOfAddress, v.count(7, later), "who left makes room")
	require.Len(t, v.streams[7].byAddress, 1)
	require.Len(t, v.streams[7].byNetwork, 1)
}

// A hall with IPv6 is one network, in which each viewer has an address and most
// have the same browser.
func TestViewersOfAHallAreCounted(t *testing.T) {
	now := time.Now()
	v := newViewers()
	for i := range 600 {
		v.saw(7, request(t, fmt.Sprintf("[2001:db8::%x]:5000", i+1), "agent"), now)
	}
	require.Equal(t, 600, v.count(7, now))
	for i := range 200 {
		v.saw(8, request(t, "[2001:db8::1]:5000", fmt.Sprint("agent ", i)), now)
	}
	require.Equal(t, maxOfAddress, v.count(8, now), "one address of it is no hall")
}

func TestViewersStayWhileTheyAsk(t *testing.T) {
	now := time.Now()
	v := newViewers()
	for second := range 30 {
		at := now.Add(time.Duration(second) * time.Second)
		v.saw(7, request(t, "192.0.2.1:5000", "stays"), at)
		if second < 5 {
			v.saw(7, request(t, "192.0.2.1:5001", "leaves"), at)
			v.saw(8, request(t, "192.0.2.1:5001", "leaves"), at)
		}
		want := 2
		if second >= 4+int(viewerWindow/time.Second) {
			want = 1
		}
		require.Equal(t, want, v.count(7, at), "after %d s", second)
	}
	require.NotContains(t, v.streams, sluice.StreamID(8), "a stream without viewers takes no memory")
}

// A look at the count costs the same however many there are: media requests wait
// for it.
func TestCountDoesNotWalk(t *testing.T) {
	now := time.Now()
	v := newViewers()
	for i := range 50_000 {
		v.saw(7, request(t, fmt.Sprintf("10.%d.%d.%d:5000", i>>16, i>>8&255, i&255), "agent"), now)
	}
	began := time.Now()
	for range 10_000 {
		require.Equal(t, 50_000, v.count(7, now))
	}
	require.Less(t, time.Since(began), time.Second, "a walk over all takes half a millisecond, ten thousand of them seconds")
}

func TestSeenViewersCostNoMemory(t *testing.T) {
	now := time.Now()
	v := newViewers()
	r := request(t, "192.0.2.1:5000", "agent")
	v.saw(7, r, now)
	require.Zero(t, testing.AllocsPerRun(1000, func() { v.saw(7, r, now) }))
}
