package webrtc

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// failing is a listener, or a socket, without descriptors for a while.
type failing struct {
	net.Listener
	udpSocket
	broken atomic.Bool
	failed atomic.Int64
}

var errNoDescriptor = &net.OpError{Op: "accept", Err: syscall.EMFILE}

func (f *failing) Accept() (net.Conn, error) {
	if f.broken.Load() {
		f.failed.Add(1)
		return nil, errNoDescriptor
	}
	conn, err := f.Listener.Accept()
	if err == nil && f.broken.Load() {
		_ = conn.Close()
		return nil, errNoDescriptor
	}
	return conn, err
}

func (f *failing) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if f.broken.Load() {
		f.failed.Add(1)
		return 0, netip.AddrPort{}, &net.OpError{Op: "read", Err: syscall.ENOBUFS}
	}
	return f.udpSocket.ReadFromUDPAddrPort(b)
}

func (f *failing) Close() error {
	if f.Listener != nil {
		return f.Listener.Close()
	}
	return f.udpSocket.Close()
}

func (f *failing) LocalAddr() net.Addr { return f.udpSocket.LocalAddr() }

// serveOn makes a server on sockets that can be made to fail.
func serveOn(t *testing.T, cfg Config) (_ *Server, udp, tcp *failing) {
	t.Helper()
	cfg.setDefaults()
	socket, listener, err := bind(cfg.Listen, 0)
	require.NoError(t, err)
	udp, tcp = &failing{udpSocket: socket}, &failing{Listener: listener}
	announced, err := newAnnouncement(t.Context(), nil, cfg.Lookup, cfg.Log)
	require.NoError(t, err)
	s, err := serve(context.WithoutCancel(t.Context()), cfg, announced, udp, tcp)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, udp, tcp
}

func TestTheTCPPortOutlivesALackOfDescriptors(t *testing.T) {
	t.Parallel()
	var text lockedBuffer
	s, _, tcp := serveOn(t, Config{Log: slog.New(slog.NewTextHandler(&text, nil))})
	tcp.broken.Store(true)
	poke, err := net.Dial("tcp", s.ownAddress()) //nolint:noctx // of a test
	require.NoError(t, err)
	defer func() { _ = poke.Close() }()
	require.Eventually(t, func() bool { return tcp.failed.Load() > 5 }, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, 1, strings.Count(text.String(), "cannot accept connections"), "one line a second:\n%s", text.String())
	tcp.broken.Store(false)
	publishOverTCP(t, s)
}

func TestTheUDPPortOutlivesErrorsOfReading(t *testing.T) {
	t.Parallel()
	s, udp, _ := serveOn(t, Config{Log: discard()})
	udp.broken.Store(true)
	poke, err := net.Dial("udp", s.ownAddress()) //nolint:noctx // of a test
	require.NoError(t, err)
	defer func() { _ = poke.Close() }()
	_, err = poke.Write([]byte("wake up"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return udp.failed.Load() > 3 }, 10*time.Second, 5*time.Millisecond)
	udp.broken.Store(false)
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	publish(t, s, p)
}
