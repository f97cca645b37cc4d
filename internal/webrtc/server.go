// Package webrtc takes in what publishers send over WebRTC: it answers their
// offers and hands on whole coded frames. It also publishes, for the command
// line and for tests. It is the only package that knows Pion.
package webrtc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	pion "github.com/pion/webrtc/v4"
)

// readBuffer is asked of the kernel for the socket that all sessions share: a
// key frame of each may arrive at once.
const readBuffer = 4 << 20

// Config says where a server listens.
type Config struct {
	// Port is the number of both the UDP and the TCP port that all sessions
	// share. 0 picks a free one.
	Port int
	// Addresses are announced to publishers beside those of the machine's
	// interfaces: IP addresses or host names, which are resolved at the start.
	Addresses []string
	// Log gets what happens to sessions; nil discards it.
	Log *slog.Logger
}

// Server answers the offers of publishers. All its sessions share one port.
type Server struct {
	log       *slog.Logger
	port      int
	announced []candidate
	udp       *ice.UDPMuxDefault
	tcp       *ice.TCPMuxDefault
	logs      logging.LoggerFactory

	running  context.Context //nolint:containedctx // the parent of sessions, which outlive the calls that make them
	cancel   context.CancelFunc
	mu       sync.Mutex // guards closed and sessions.Add against sessions.Wait
	closed   bool
	sessions sync.WaitGroup
}

// Listen binds the port, on all interfaces and for UDP and TCP, and resolves
// the announced addresses. The end of ctx ends all sessions; Close frees the
// port.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	addresses, err := resolve(ctx, cfg.Addresses)
	if err != nil {
		return nil, err
	}
	udp, tcp, err := bind(cfg.Port)
	if err != nil {
		return nil, err
	}
	_ = udp.SetReadBuffer(readBuffer) // as much as the system allows
	s := &Server{log: log, port: portOf(udp.LocalAddr()), logs: &pionLogs{log}}
	s.announced = announcedCandidates(addresses, s.port)
	s.udp = ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: s.logs.NewLogger("ice-udp"), UDPConn: udp})
	s.tcp = ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:        tcp,
		Logger:          s.logs.NewLogger("ice-tcp"),
		ReadBufferSize:  64,
		WriteBufferSize: 1 << 20,
	})
	s.running, s.cancel = context.WithCancel(ctx)
	return s, nil
}

// bindAttempts bounds the search for a number that is free for both protocols.
const bindAttempts = 16

// bind opens the port for UDP and for TCP.
func bind(port int) (udp *net.UDPConn, tcp net.Listener, err error) {
	for range bindAttempts {
		udp, err = net.ListenUDP("udp", &net.UDPAddr{Port: port})
		if err != nil {
			return nil, nil, fmt.Errorf("webrtc: UDP port %d cannot be opened; is it taken by another server?: %w", port, err)
		}
		number := portOf(udp.LocalAddr())
		tcp, err = net.ListenTCP("tcp", &net.TCPAddr{Port: number})
		if err == nil {
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

// Port is the number of the port that is listened on.
func (s *Server) Port() int { return s.port }

// Close ends all sessions, waits for them, and frees the port. It must not be
// called from a Receiver.
func (s *Server) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.sessions.Wait()
	if again {
		return nil
	}
	return errors.Join(s.udp.Close(), s.tcp.Close())
}

// admit counts a session in, unless the server is closing.
func (s *Server) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.running.Err() != nil {
		return false
	}
	s.sessions.Add(1)
	return true
}

// settings are Pion's for every session.
func (s *Server) settings() pion.SettingEngine {
	e := commonSettings(s.logs)
	e.SetICEUDPMux(s.udp)
	e.SetICETCPMux(s.tcp)
	// A publisher's TCP candidates are never dialled: an offer would else be a
	// way to knock on any port of our network.
	e.DisableActiveTCP(true)
	// Media from a source that was announced surfaces as soon as the connection
	// stands. To wait for its first packet, as is the default, is to lose the
	// track when that packet is a retransmission, whose codec is not known yet.
	e.SetFireOnTrackBeforeFirstRTP(true)
	return e
}
