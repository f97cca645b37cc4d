package webrtc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/sluicelive/sluice/internal/budget"
)

// readBuffer is asked of the kernel for the socket that all sessions share: a
// key frame of each may arrive at once.
const readBuffer = 4 << 20

// bindAttempts bounds the search for a number that is free for both protocols.
const bindAttempts = 16

// bind opens the port for UDP and for TCP on an address; on all with the zero
// one.
func bind(addr netip.Addr, port int) (udp *net.UDPConn, tcp net.Listener, err error) {
	for range bindAttempts {
		udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, uint16(port))))
		if err != nil {
			return nil, nil, fmt.Errorf("webrtc: UDP port %d cannot be opened; is it taken by another server?: %w", port, err)
		}
		number := portOf(udp.LocalAddr())
		tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, uint16(number))))
		if err == nil {
			_ = udp.SetReadBuffer(readBuffer) // as much as the system allows
			return udp, tcp, nil
		}
		err = fmt.Errorf("webrtc: TCP port %d cannot be opened; is it taken by another server?: %w", number, err)
		_ = udp.Close()
		if port != 0 {
			break
		}
	}
	return nil, nil, err
}

// portOf is the port of a UDP address.
func portOf(a net.Addr) int {
	if udp, ok := a.(*net.UDPAddr); ok {
		return udp.Port
	}
	return 0
}

// retry paces the attempts on a socket that fails, and says so at most once a
// second: a process without descriptors fails thousands of times in one.
type retry struct {
	log     *slog.Logger
	what    string
	backoff budget.Backoff
	said    budget.Pace
}

// failed waits before the next attempt; false when ctx ends first.
func (r *retry) failed(ctx context.Context, err error) bool {
	if unsaid, due := r.said.Due(time.Now()); due {
		r.log.Warn("the WebRTC port has trouble; trying again",
			slog.String("what", r.what), slog.Any("err", err), slog.Int("moreSince", unsaid))
	}
	timer := time.NewTimer(r.backoff.Failed())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// udpSocket is what we need of a *net.UDPConn.
type udpSocket interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
}

// steadyUDP is a socket whose reads fail only when it is closed: Pion's mux ends
// with the first failure, and all sessions with it.
type steadyUDP struct {
	udpSocket
	ctx    context.Context //nolint:containedctx // the life of the socket
	cancel context.CancelFunc
	retry  retry // of the goroutine that reads
}

func newSteadyUDP(socket udpSocket, log *slog.Logger) *steadyUDP {
	ctx, cancel := context.WithCancel(context.Background())
	return &steadyUDP{
		udpSocket: socket, ctx: ctx, cancel: cancel,
		retry: retry{log: log, what: "the WebRTC UDP port cannot be read"},
	}
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter. One goroutine reads.
func (u *steadyUDP) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, addr, err := u.ReadFromUDPAddrPort(b)
		switch {
		case err == nil && addr.IsValid():
			u.retry.backoff.Succeeded()
			return n, addr, nil
		case err == nil: // a packet that cannot be answered
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return n, addr, err
		default:
			if !u.retry.failed(u.ctx, err) {
				return n, addr, net.ErrClosed
			}
		}
	}
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (u *steadyUDP) WriteToAddrPort(b []byte, addr netip.AddrPort) (int, error) {
	return u.WriteToUDPAddrPort(b, addr)
}

// ReadFrom implements net.PacketConn.
func (u *steadyUDP) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := u.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(addr), err
}

// Close closes the socket and ends a pause.
func (u *steadyUDP) Close() error {
	u.cancel()
	return u.udpSocket.Close()
}
