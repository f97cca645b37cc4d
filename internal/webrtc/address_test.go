package webrtc

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func addresses(list ...string) []netip.Addr {
	all := make([]netip.Addr, 0, len(list))
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

func TestAddressesThatPublishersAreTold(t *testing.T) {
	server := addresses("127.0.0.1", "::1", "169.254.3.4", "10.0.0.5", "fe80::1", "100.64.0.9", "2001:db8::5", "fd00::5", "203.0.113.5")
	for _, tc := range []struct {
		name   string
		policy AddressPolicy
		own    []netip.Addr
		want   []netip.Addr
	}{
		{
			"what most reach comes first, and no loopback",
			AddressPolicy{},
			server,
			addresses("203.0.113.5", "2001:db8::5", "10.0.0.5", "100.64.0.9", "fd00::5", "169.254.3.4"),
		},
		{"loopback where there is nothing else", AddressPolicy{}, addresses("127.0.0.1", "::1", "fe80::1"), addresses("127.0.0.1", "::1")},
		{"what is announced, alone", AddressPolicy{Announced: addresses("198.51.100.1")}, server, addresses("198.51.100.1")},
		{
			"next to interfaces, where they are asked for",
			AddressPolicy{Announced: addresses("198.51.100.1", "10.0.0.5"), Interfaces: true},
			addresses("127.0.0.1", "10.0.0.5", "203.0.113.5"),
			addresses("198.51.100.1", "10.0.0.5", "203.0.113.5"),
		},
		{"the one that is bound", AddressPolicy{Listen: netip.MustParseAddr("10.0.0.5")}, server, addresses("10.0.0.5")},
		{"loopback, when that is bound", AddressPolicy{Listen: netip.MustParseAddr("127.0.0.1")}, server, addresses("127.0.0.1")},
		{"all, when that is what is bound", AddressPolicy{Listen: netip.IPv6Unspecified()}, addresses("10.0.0.5"), addresses("10.0.0.5")},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, tc.policy.Tell(tc.own)) })
	}
	var many []netip.Addr
	for a := netip.MustParseAddr("10.0.0.1"); len(many) < 100; a = a.Next() {
		many = append(many, a)
	}
	require.Len(t, AddressPolicy{}.Tell(many), maxAddresses)
}

func TestCandidatesAreInOrderAndOfUniquePriority(t *testing.T) {
	seen := map[string]bool{}
	list := candidatesOf(addresses("203.0.113.5", "2001:db8::5", "10.0.0.5"), 8189)
	require.Len(t, list, 6)
	last := ""
	for i, c := range list {
		fields := strings.Fields(c.value)
		require.Equal(t, []string{"udp", "tcp"}[i/3], fields[2])
		require.False(t, seen[fields[3]], "RFC 8445, section 5.1.2: no two are equal")
		seen[fields[3]] = true
		require.True(t, last == "" || len(fields[3]) == len(last) && fields[3] < last)
		last = fields[3]
	}
}

func TestTheServerBindsTheAddressItIsTold(t *testing.T) {
	s := listen(t, Config{Listen: netip.MustParseAddr("127.0.0.1")})
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	for l := range strings.SplitSeq(session.SDP(), "\r\n") {
		if strings.HasPrefix(l, "a=candidate:") {
			require.Contains(t, l, " 127.0.0.1 ")
		}
	}
	require.NoError(t, s.Check(t.Context()))
	require.Equal(t, s.ownAddress(), s.udpConn.LocalAddr().String())
	publishOverTCP(t, s)
	other := listen(t, Config{Listen: netip.MustParseAddr("127.0.0.2"), Port: s.Port()})
	require.NoError(t, other.Check(t.Context()), "the port is free on other addresses")
}

// zone is a resolver whose answers change.
type zone struct {
	mu    sync.Mutex
	found []netip.Addr
	err   error
	asked int
}

func (z *zone) lookup(context.Context, string) ([]netip.Addr, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	return append([]netip.Addr(nil), z.found...), z.err
}

func (z *zone) set(err error, found ...netip.Addr) (asked int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.found, z.err = found, err
	return z.asked
}

func TestAnAnnouncedNameIsResolvedAgain(t *testing.T) {
	z := &zone{found: addresses("198.51.100.1")}
	s := listen(t, Config{Addresses: []string{"live.example.com"}, Lookup: z.lookup, LookupInterval: 5 * time.Millisecond, Log: discard()})
	told := func() []netip.Addr {
		session, err := s.Answer(t.Context(), readOffer(t, "chromium"), newRecorder())
		require.NoError(t, err)
		defer session.Close()
		var list []netip.Addr
		for l := range strings.SplitSeq(session.SDP(), "\r\n") {
			if strings.HasPrefix(l, "a=candidate:announcedudp") {
				list = append(list, netip.MustParseAddr(strings.Fields(l)[4]))
			}
		}
		return list
	}
	require.Equal(t, addresses("198.51.100.1"), told())

	z.set(nil, addresses("198.51.100.2", "2001:db8::2")...)
	require.Eventually(t, func() bool { return len(told()) == 2 }, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, addresses("198.51.100.2", "2001:db8::2"), told())

	asked := z.set(errors.New("the resolver is away"))
	require.Eventually(t, func() bool {
		z.mu.Lock()
		defer z.mu.Unlock()
		return z.asked > asked+2
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, addresses("198.51.100.2", "2001:db8::2"), told(), "a look-up that fails changes nothing")
}
