package webrtc

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPortThatIsTakenIsSaidToBe(t *testing.T) {
	s := listen(t, Config{})
	_, err := Listen(t.Context(), Config{Port: s.Port()})
	require.ErrorContains(t, err, "UDP port "+strconv.Itoa(s.Port())+" cannot be opened; is it taken")

	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{})
	require.NoError(t, err)
	defer func() { require.NoError(t, tcp.Close()) }()
	_, text, err := net.SplitHostPort(tcp.Addr().String())
	require.NoError(t, err)
	port, err := strconv.Atoi(text)
	require.NoError(t, err)
	_, err = Listen(t.Context(), Config{Port: port})
	require.ErrorContains(t, err, "TCP port "+strconv.Itoa(port)+" cannot be opened; is it taken")
}

func TestThePortIsFreeAfterClose(t *testing.T) {
	s := listen(t, Config{})
	port := s.Port()
	require.NoError(t, s.Close())
	listen(t, Config{Port: port})
}

func TestAnAnnouncedNameThatDoesNotResolveIsAnError(t *testing.T) {
	_, err := Listen(t.Context(), Config{Addresses: []string{"no such name"}})
	require.ErrorContains(t, err, `announced address "no such name"`)
}

func TestAnnouncedAddressesStandInTheAnswerAndAreReported(t *testing.T) {
	s := listen(t, Config{Addresses: []string{"203.0.113.7", "2001:db8::7", "localhost"}})
	r := newRecorder()
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), r)
	require.NoError(t, err)
	port := strconv.Itoa(s.Port())
	for _, want := range []string{
		"a=candidate:announcedudp0 1 udp 2130706431 203.0.113.7 " + port + " typ host\r\n",
		"a=candidate:announcedtcp0 1 tcp 1520435199 203.0.113.7 " + port + " typ host tcptype passive\r\n",
		"a=candidate:announcedudp1 1 udp 2130706175 2001:db8::7 " + port + " typ host\r\n",
		" 127.0.0.1 " + port, // of the name
	} {
		require.Contains(t, session.SDP(), want)
	}
	own, err := InterfaceAddresses()
	require.NoError(t, err)
	for _, a := range own {
		if !a.IsLoopback() {
			require.NotContains(t, session.SDP(), " "+a.String()+" ", "nothing else is announced")
		}
	}

	reported := func(text string) func() bool {
		return func() bool {
			for _, c := range r.candidates {
				if strings.Contains(c.Candidate, text) {
					return true
				}
			}
			return false
		}
	}
	r.await(t, "the announced candidate", reported("203.0.113.7"))
	r.await(t, "the last candidate", reported("127.0.0.1 "+port+" typ host tcptype passive"))
	for _, c := range r.seen().candidates {
		require.True(t, strings.HasPrefix(c.Candidate, "candidate:"))
		require.Equal(t, "0", *c.SDPMid)
		require.Zero(t, *c.SDPMLineIndex)
		require.Contains(t, session.SDP(), "a=ice-ufrag:"+*c.UsernameFragment+"\r\n")
	}
}
