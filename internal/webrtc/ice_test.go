package webrtc

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

// targets are sockets on addresses that no offer may have us send to: loopback
// ones and, of each kind that this machine has, its own.
func targets(t *testing.T) []*net.UDPConn {
	t.Helper()
	addresses := []netip.Addr{
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"), netip.IPv6Loopback(),
	}
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range interfaces {
		own, err := i.Addrs()
		require.NoError(t, err)
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok {
				addr, _ := netip.AddrFromSlice(n.IP)
				if addr.Is6() && addr.IsLinkLocalUnicast() {
					addr = addr.WithZone(i.Name)
				}
				addresses = append(addresses, addr.Unmap())
			}
		}
	}
	var list []*net.UDPConn
	for _, a := range addresses {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			require.True(t, a.Is6(), "%v: %v", a, err) // a machine may have no IPv6
			continue
		}
		t.Cleanup(func() { _ = conn.Close() })
		list = append(list, conn)
	}
	return list
}

// requireSilence fails for each socket that got a packet within a time.
func requireSilence(t *testing.T, sockets []*net.UDPConn, within time.Duration) {
	t.Helper()
	deadline := time.Now().Add(within)
	for _, s := range sockets {
		require.NoError(t, s.SetReadDeadline(deadline))
		n, from, err := s.ReadFromUDP(make([]byte, 1500))
		require.Error(t, err, "%v got %d bytes from %v", s.LocalAddr(), n, from)
	}
}

func candidateLine(i int, to net.Addr) string {
	udp, _ := to.(*net.UDPAddr)
	return fmt.Sprintf("candidate:%d 1 udp %d %s %d typ host", i, 2122260223-i, udp.AddrPort().Addr().WithZone(""), udp.Port)
}

func TestNothingIsSentToAddressesThatAnOfferNames(t *testing.T) {
	s := listen(t, Config{Log: discard()})
	sockets := targets(t)
	offer := without(readOffer(t, "chromium"), "a=candidate")
	var lines []string
	for i, socket := range sockets {
		lines = append(lines, "a="+candidateLine(i, socket.LocalAddr())+"\r\n")
	}
	for i := len(lines); i < 1500; i++ {
		lines = append(lines, "a="+candidateLine(i, sockets[i%len(sockets)].LocalAddr())+"\r\n")
	}
	session, err := s.Answer(t.Context(), offer+strings.Join(lines, ""), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	for i, socket := range sockets { // trickled too, with and without what says to which offer they belong
		require.NoError(t, CheckCandidate(sluice.ICECandidate{Candidate: candidateLine(i, socket.LocalAddr())}))
		ufrag := "chrm"
		require.NoError(t, CheckCandidate(sluice.ICECandidate{Candidate: candidateLine(i, socket.LocalAddr()), UsernameFragment: &ufrag}))
	}
	requireSilence(t, sockets, 3*time.Second)
}

func TestAnOfferOfICELiteIsRefused(t *testing.T) {
	s := listen(t, Config{})
	socket := targets(t)[:1]
	offer := strings.Replace(without(readOffer(t, "chromium"), "a=candidate"), "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n", 1)
	_, err := s.Answer(t.Context(), offer+"a="+candidateLine(0, socket[0].LocalAddr())+"\r\n", newRecorder())
	require.Equal(t, "ice_lite_unsupported", sluice.AsError(err).Code)
	require.Equal(t, sluice.KindInvalid, sluice.AsError(err).Kind)
	requireSilence(t, socket, time.Second)
}

func TestCredentialsAreBounded(t *testing.T) {
	s := listen(t, Config{})
	offer := readOffer(t, "chromium")
	ufrag, pwd := line(t, offer, "a=ice-ufrag:"), line(t, offer, "a=ice-pwd:")
	for name, tc := range map[string]struct {
		old, value string
		refused    bool
	}{
		"a user name of 256":  {ufrag, "a=ice-ufrag:" + strings.Repeat("u", 256), false},
		"a user name of 257":  {ufrag, "a=ice-ufrag:" + strings.Repeat("u", 257), true},
		"a password of 256":   {pwd, "a=ice-pwd:" + strings.Repeat("p", 256), false},
		"a password of 1,000": {pwd, "a=ice-pwd:" + strings.Repeat("p", 1000), true},
	} {
		t.Run(name, func(t *testing.T) {
			session, err := s.Answer(t.Context(), strings.ReplaceAll(offer, tc.old, tc.value), newRecorder())
			if !tc.refused {
				require.NoError(t, err)
				session.Close()
				return
			}
			require.Equal(t, "offer_invalid", sluice.AsError(err).Code)
		})
	}
}

// line is the first line of a text that begins with a prefix, without its end.
func line(t *testing.T, text, prefix string) string {
	t.Helper()
	for l := range strings.SplitSeq(text, "\r\n") {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	t.Fatalf("no line begins with %q", prefix)
	return ""
}

func TestAnAnswerSaysThatTheServerMakesNoChecks(t *testing.T) {
	s := listen(t, Config{})
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	require.Contains(t, session.SDP(), "a=ice-lite\r\n")
}
