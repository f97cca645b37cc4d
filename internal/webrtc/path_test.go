package webrtc

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// wire is a network between a publisher and a server: what the publisher sends
// to it, the server gets from it.
type wire struct {
	near    *net.UDPConn // the publisher's end
	to      netip.AddrPort
	far     atomic.Pointer[net.UDPConn] // the server's end
	back    atomic.Pointer[netip.AddrPort]
	cut     atomic.Bool
	noCheck atomic.Bool // the publisher's checks are lost
	readers sync.WaitGroup
}

func newWire(t *testing.T, s *Server) *wire {
	t.Helper()
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	w := &wire{to: netip.AddrPortFrom(loopback, uint16(s.Port()))}
	var err error
	w.near, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	require.NoError(t, err)
	w.rebind(t)
	w.readers.Go(func() {
		packet := make([]byte, 2048)
		for {
			n, from, err := w.near.ReadFromUDPAddrPort(packet)
			if err != nil {
				return
			}
			w.back.Store(&from)
			if !w.cut.Load() && (!w.noCheck.Load() || !isCheck(packet[:n])) {
				_, _ = w.far.Load().WriteToUDPAddrPort(packet[:n], w.to)
			}
		}
	})
	t.Cleanup(func() {
		_ = w.near.Close()
		_ = w.far.Load().Close()
		w.readers.Wait()
	})
	return w
}

func isCheck(packet []byte) bool {
	return len(packet) > 1 && packet[0] == 0 && packet[1] == 1 && stun.IsMessage(packet)
}

// rebind gives the publisher another address, as a NAT does that forgot it.
func (w *wire) rebind(t *testing.T) {
	t.Helper()
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	if old := w.far.Swap(far); old != nil {
		require.NoError(t, old.Close())
	}
	w.readers.Go(func() {
		packet := make([]byte, 2048)
		for {
			n, _, err := far.ReadFromUDPAddrPort(packet)
			if err != nil {
				return
			}
			if to := w.back.Load(); to != nil && !w.cut.Load() {
				_, _ = w.near.WriteToUDPAddrPort(packet[:n], *to)
			}
		}
	})
}

var candidateOfAnswer = regexp.MustCompile(`(?m)^a=candidate:.*\r\n`)

// publishOver connects a publisher to a server over a wire alone.
func publishOver(t *testing.T, s *Server, p *Publisher, w *wire) (*Session, *recorder) {
	t.Helper()
	t.Cleanup(p.Close)
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	r := newRecorder()
	session, err := s.Answer(t.Context(), offer, r)
	require.NoError(t, err)
	only := fmt.Sprintf("a=candidate:1 1 udp 2130706431 127.0.0.1 %d typ host\r\n", portOf(w.near.LocalAddr()))
	first := true
	answer := candidateOfAnswer.ReplaceAllStringFunc(session.SDP(), func(string) string {
		if first {
			first = false
			return only
		}
		return ""
	})
	require.NoError(t, p.SetAnswer(answer))
	awaitConnection(t, p, r)
	return session, r
}

func TestAPublisherThatChangesItsAddressIsFollowed(t *testing.T) {
	s := listen(t, Config{})
	w := newWire(t, s)
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	session, r := publishOver(t, s, p, w)
	before := 0
	sendVideo(t, p, func(sent uint32) bool {
		before = len(r.seen().frames[media.Video])
		return sent >= 100 && before > 50
	})

	w.rebind(t)
	sendVideo(t, p, func(sent uint32) bool {
		require.Less(t, sent, uint32(4000), "timeout")
		return len(r.seen().frames[media.Video]) > before+50
	})
	select { // one from before
	case <-p.KeyFrameRequested():
	default:
	}
	session.RequestKeyFrame() // which goes the new way too
	select {
	case <-p.KeyFrameRequested():
	case <-time.After(10 * time.Second):
		t.Fatal("nothing comes back over the new path")
	}
	for _, state := range r.seen().states {
		require.NotContains(t, []State{Failed, Closed}, state)
	}
}

func TestAPublisherThatVanishesIsMissedWithinTwoSeconds(t *testing.T) {
	s := listen(t, Config{})
	w := newWire(t, s)
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	_, r := publishOver(t, s, p, w)
	sendVideo(t, p, func(sent uint32) bool { return sent >= 100 })
	w.cut.Store(true)
	at := time.Now()
	r.await(t, "the loss", func() bool { return r.states[len(r.states)-1] == Disconnected })
	require.Less(t, time.Since(at), 2*time.Second)

	w.cut.Store(false)
	r.await(t, "the return", func() bool { return r.states[len(r.states)-1] == Connected })
}

// Browsers check every few seconds only, and one whose picture stands still sends
// nothing else for a while.
func TestAPublisherThatSendsNothingIsStillThere(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{})
	w := newWire(t, s)
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	_, r := publishOver(t, s, p, w)
	w.noCheck.Store(true)
	timer := time.NewTimer(3*awayAfter + disconnectedAfter)
	defer timer.Stop()
	<-timer.C
	require.Equal(t, []State{Connecting, Connected}, r.seen().states)
}

func TestLiveness(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name  string
		looks [][2]int // when, and when something was last heard, ms
		away  bool     // at the last look
		asked int
	}{
		{"media flow", [][2]int{{200, 190}, {400, 399}, {5000, 4990}}, false, 0},
		{"a short gap is no reason to ask", [][2]int{{700, 0}}, false, 0},
		{"a longer one is", [][2]int{{800, 0}, {1000, 0}}, false, 2},
		{"an answer ends it", [][2]int{{800, 0}, {1000, 0}, {1200, 1100}}, false, 2},
		{"silence after being asked", [][2]int{{800, 0}, {1000, 0}, {1200, 0}, {1600, 0}}, true, 3},
		{"it was we who stood still", [][2]int{{200, 190}, {9000, 190}, {9200, 190}}, false, 2},
		{"it comes back", [][2]int{{800, 0}, {1000, 0}, {1200, 0}, {1600, 0}, {1800, 1790}}, false, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var l liveness
			var away bool
			asked := 0
			for _, look := range tc.looks {
				var ask bool
				away, ask = l.judge(at(look[0]), at(look[1]))
				if ask {
					asked++
				}
			}
			require.Equal(t, tc.away, away)
			require.Equal(t, tc.asked, asked)
		})
	}
}

func TestASecondOfferOfAConnectionThatStandsIsAConflict(t *testing.T) {
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	lost, err := s.Answer(t.Context(), offer, newRecorder())
	require.NoError(t, err)
	lost.Close() // its answer never arrived, so the same offer comes again
	r := newRecorder()
	session, err := s.Answer(t.Context(), offer, r)
	require.NoError(t, err)
	require.NoError(t, p.SetAnswer(session.SDP()))
	awaitConnection(t, p, r)

	_, err = s.Answer(t.Context(), offer, newRecorder())
	require.Equal(t, "renegotiation_unsupported", sluice.AsError(err).Code)
	require.Equal(t, sluice.KindConflict, sluice.AsError(err).Kind)

	restarted := strings.NewReplacer(
		line(t, offer, "a=ice-ufrag:"), "a=ice-ufrag:another1",
		line(t, offer, "a=ice-pwd:"), "a=ice-pwd:anotherpasswordofsomelength",
	).Replace(offer)
	again, err := s.Answer(t.Context(), restarted, newRecorder())
	require.NoError(t, err, "after an ICE restart it is a new session")
	again.Close()
}

func TestAPublisherMayOpenAnotherTCPConnection(t *testing.T) {
	s := listen(t, Config{})
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	pwd := strings.TrimPrefix(line(t, session.SDP(), "a=ice-pwd:"), "a=ice-pwd:")
	name := strings.TrimPrefix(line(t, session.SDP(), "a=ice-ufrag:"), "a=ice-ufrag:") + ":chrm"
	for range 3 { // each after the end of the one before
		check, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(name),
			ice.UseCandidate(), ice.AttrControlling(1), ice.PriorityAttr(1), stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
		require.NoError(t, err)
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port())) //nolint:noctx // of a test
		require.NoError(t, err)
		_, err = conn.Write(binary.BigEndian.AppendUint16(nil, uint16(len(check.Raw))))
		require.NoError(t, err)
		_, err = conn.Write(check.Raw)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
		answer := readCheck(t, conn)
		require.Equal(t, []byte{1, 1}, answer[:2], "a success response")
		require.Equal(t, check.TransactionID[:], answer[8:20])
		require.NoError(t, conn.Close())
	}
}

// readCheck reads the next packet of ICE from a TCP connection. DTLS, which goes the
// new way at once, may come before it.
func readCheck(t *testing.T, conn net.Conn) []byte {
	t.Helper()
	for {
		var size [2]byte
		_, err := io.ReadFull(conn, size[:])
		require.NoError(t, err)
		packet := make([]byte, binary.BigEndian.Uint16(size[:]))
		_, err = io.ReadFull(conn, packet)
		require.NoError(t, err)
		if stun.IsMessage(packet) {
			return packet
		}
	}
}
