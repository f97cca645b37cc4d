package webrtc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// publishOverTCP connects a publisher that no UDP packet of the server reaches.
func publishOverTCP(t *testing.T, s *Server) {
	t.Helper()
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	r := newRecorder()
	session, err := s.Answer(t.Context(), offer, r)
	require.NoError(t, err)
	answer := slices.DeleteFunc(strings.SplitAfter(session.SDP(), "\r\n"), func(l string) bool {
		return strings.Contains(l, " udp ")
	})
	require.NoError(t, p.SetAnswer(strings.Join(answer, "")))
	awaitConnection(t, p, r)
	require.NoError(t, p.WriteVideo(vp8Frame(1, 2000, true), 0))
	r.await(t, "the frame", func() bool { return len(r.frames[media.Video]) == 1 })
}

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// unknownUser is a check for a session that is not there.
func unknownUser(t *testing.T) []byte {
	t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername("nobody:else"),
		stun.NewShortTermIntegrity("a password that is wrong"), stun.Fingerprint)
	require.NoError(t, err)
	return framed(m.Raw)
}

// dialFrom opens a connection to a server from an address of this machine and
// sends something.
func dialFrom(t *testing.T, s *Server, from string, first []byte) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	conn, err := d.DialContext(t.Context(), "tcp", s.ownAddress())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write(first)
	require.NoError(t, err)
	return conn
}

// isClosed says whether the other end closes a connection within a time.
func isClosed(t *testing.T, conn net.Conn, within time.Duration) bool {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
	_, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	return err != nil && (!errors.As(err, &timeout) || !timeout.Timeout())
}

func TestWhatIsNoPublisherIsClosedAtOnce(t *testing.T) {
	s := listen(t, Config{Log: discard()})
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	forged, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(session.local.ufrag+":chrm"),
		stun.NewShortTermIntegrity("guessed"), stun.Fingerprint)
	require.NoError(t, err)
	for name, first := range map[string][]byte{
		"garbage":                    []byte("GET / HTTP/1.1\r\n\r\n"),
		"a check of an unknown user": unknownUser(t),
		"a check with a password that is guessed": framed(forged.Raw),
		"an empty packet":                         {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, isClosed(t, dialFrom(t, s, "127.0.0.1", first), 5*time.Second))
		})
	}
}

// A session has as many TCP connections as a publisher needs, and the log says so
// of one that is closed for it: it has shown its session.
func TestConnectionsOfOneSessionAreBounded(t *testing.T) {
	var text lockedBuffer
	s := listen(t, Config{Log: slog.New(slog.NewTextHandler(&text, nil))})
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), newRecorder())
	require.NoError(t, err)
	defer session.Close()
	check := func() []byte {
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(session.local.ufrag+":chrm"),
			stun.NewShortTermIntegrity(session.local.pwd), stun.Fingerprint)
		require.NoError(t, err)
		return framed(m.Raw)
	}
	for range maxConnections {
		dialFrom(t, s, "127.0.0.1", check())
	}
	require.Eventually(t, func() bool { return session.user.connections.Load() == maxConnections }, 10*time.Second, 5*time.Millisecond)
	require.NotContains(t, text.String(), "connection closed")
	require.True(t, isClosed(t, dialFrom(t, s, "127.0.0.1", check()), 5*time.Second))
	require.Eventually(t, func() bool { // it is closed first, and then logged
		return strings.Contains(text.String(), `budget="WebRTC connections over TCP of one session"`)
	}, 10*time.Second, 5*time.Millisecond, text.String())
	require.NotContains(t, text.String(), "have not shown a session")
	require.NotContains(t, text.String(), "no valid check")
}

// pausedLog is a log that is as slow as a terminal that is paused.
type pausedLog struct {
	slog.Handler
	paused, reached chan struct{}
	once            sync.Once
}

func (l *pausedLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *pausedLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "connection closed" {
		l.once.Do(func() { close(l.reached) })
		<-l.paused
	}
	return nil
}

func (l *pausedLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// Who is closed is told to the log, and a log that takes its time keeps no
// publisher out.
func TestASlowLogKeepsNoPublisherOut(t *testing.T) {
	for name, attack := range map[string]func(*testing.T, *Server){
		"a first packet of no publisher": func(t *testing.T, s *Server) { t.Helper(); dialFrom(t, s, "127.0.0.9", unknownUser(t)) },
		"more silent connections than there may be": func(t *testing.T, s *Server) {
			t.Helper()
			for range 5 {
				dialFrom(t, s, "127.0.0.9", nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := &pausedLog{Handler: slog.DiscardHandler, paused: make(chan struct{}), reached: make(chan struct{})}
			s := listen(t, Config{Log: slog.New(log), MaxUnproven: 8})
			defer close(log.paused) // before the server closes
			attack(t, s)
			select {
			case <-log.reached:
			case <-time.After(10 * time.Second):
				require.Fail(t, "the log is told of no connection that was closed")
			}
			publishOverTCP(t, s)
		})
	}
}

// Connections of strangers that are closed do not keep the log from naming another
// budget that is used up within the same second.
func TestOneBudgetHidesNoOther(t *testing.T) {
	var text lockedBuffer
	server, client := net.Pipe()
	defer func() { _, _ = server.Close(), client.Close() }()
	g := &gate{log: slog.New(slog.NewTextHandler(&text, nil)), unproven: newUnproven(8, 8)}
	g.report(server, refusal{unprovenBudget, "closed"})
	g.report(server, refusal{sessionBudget, "closed"})
	require.Equal(t, 1, strings.Count(text.String(), "that have not shown a session"), text.String())
	require.Equal(t, 1, strings.Count(text.String(), "of one session"), text.String())
}

func TestSilentConnectionsDoNotShutPublishersOut(t *testing.T) {
	s := listen(t, Config{Log: discard(), MaxUnproven: 200})
	for _, from := range []string{"127.0.0.9", "127.0.0.1"} { // another address, and the publisher's own
		const silent = 300
		conns := make([]net.Conn, 0, silent)
		for range silent {
			conns = append(conns, dialFrom(t, s, from, nil))
		}
		require.True(t, isClosed(t, conns[0], 5*time.Second), "the oldest gives way")
		require.False(t, isClosed(t, conns[len(conns)-1], 50*time.Millisecond), "the newest has its time")
		publishOverTCP(t, s)
	}
}

func TestCloseDoesNotWaitForPeersThatAreSilent(t *testing.T) {
	s, err := Listen(t.Context(), Config{})
	require.NoError(t, err)
	conns := []net.Conn{dialFrom(t, s, "127.0.0.1", nil), dialFrom(t, s, "127.0.0.1", []byte{0}), dialFrom(t, s, "127.0.0.1", []byte{1, 0, 7})}
	require.NoError(t, s.Check(t.Context()), "they were accepted")
	at := time.Now()
	require.NoError(t, s.Close())
	require.Less(t, time.Since(at), time.Second)
	for _, conn := range conns {
		require.True(t, isClosed(t, conn, time.Second))
	}
}

// numberedConn is a connection that is equal to no other.
type numberedConn struct {
	net.Conn

	n int
}

func TestUnproven(t *testing.T) {
	u, made := newUnproven(6, 3), 0
	add := func(from string) (net.Conn, []net.Conn) {
		c := numberedConn{n: made}
		made++
		return c, u.add(c, netip.MustParseAddr(from))
	}
	first, gone := add("192.0.2.1")
	require.Empty(t, gone)
	second, _ := add("192.0.2.1")
	third, _ := add("192.0.2.1")
	_, gone = add("192.0.2.1")
	require.Equal(t, []net.Conn{first}, gone, "of its address the oldest")
	other, gone := add("2001:db8:1:2::1")
	require.Empty(t, gone)
	_, gone = add("2001:db8:1:2::9")
	require.Empty(t, gone)
	slow, gone := add("198.51.100.1")
	require.Empty(t, gone)
	_, gone = add("198.51.100.2")
	require.Equal(t, []net.Conn{second}, gone, "of all the oldest of the network that holds most")
	u.remove(third)
	u.remove(third)
	_, gone = add("2001:db8:1:2:ffff::")
	require.Empty(t, gone, "one has proved itself")
	_, gone = add("2001:db8:1:2::3")
	require.Equal(t, []net.Conn{other}, gone[:1], "a network of IPv6 counts as one address")
	for range 20 {
		_, gone = add("192.0.2.1")
		require.NotContains(t, gone, slow, "a flood from elsewhere does not reach it")
	}
	require.Len(t, u.all(), 6)
}

func TestReadFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes string
		want  string
		err   error
	}{
		"whole":    {"\x00\x03abcd", "\x00\x03abc", nil},
		"empty":    {"\x00\x00", "\x00\x00", nil},
		"too long": {"\x02\x01" + strings.Repeat("x", 600), "", io.ErrShortBuffer},
		"cut":      {"\x00\x05abc", "\x00\x05abc\x00\x00", io.ErrUnexpectedEOF},
		"nothing":  {"", "", io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readFirst(strings.NewReader(tc.bytes))
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, tc.want, string(got))
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s, udp, tcp := serveOn(t, Config{Log: discard()})
	require.NoError(t, s.Check(t.Context()))

	soon := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			err := s.Check(t.Context())
			if want == "" {
				return err == nil
			}
			return err != nil && strings.Contains(err.Error(), want)
		}, 20*time.Second, 50*time.Millisecond, "%q", want)
	}
	udp.broken.Store(true)
	soon("port " + strconv.Itoa(s.Port()) + " does not answer a check over UDP")
	udp.broken.Store(false)
	soon("")
	tcp.broken.Store(true)
	soon("does not answer a check over TCP")
	tcp.broken.Store(false)
	soon("")
}

func TestAStrangersCheckIsNotAnswered(t *testing.T) {
	s := listen(t, Config{Log: discard()})
	conn, err := net.Dial("udp", s.ownAddress()) //nolint:noctx // of a test
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write(unknownUser(t)[2:])
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	_, err = conn.Read(make([]byte, 100))
	require.Error(t, err)
}
