// Package webrtc takes in what publishers send over WebRTC: it answers their
// offers and hands on whole coded frames. It also publishes, for the command
// line and for tests. It is the only package that knows Pion.
package webrtc

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	pion "github.com/pion/webrtc/v4"
)

// Config says where a server listens.
type Config struct {
	// Port is the number of both the UDP and the TCP port that all sessions
	// share. 0 picks a free one.
	Port int
	// Listen is the address that is bound. Default: those of all interfaces.
	Listen netip.Addr
	// Addresses are announced to publishers in place of those of the machine's
	// interfaces: IP addresses or host names, which are resolved at the start and
	// again in every LookupInterval.
	Addresses []string
	// AnnounceInterfaces announces the addresses of interfaces after Addresses.
	AnnounceInterfaces bool
	// Lookup resolves host names. Default: the system's resolver.
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)
	// LookupInterval is a minute when zero.
	LookupInterval time.Duration
	// MaxUnproven bounds the TCP connections that have not shown yet that they
	// are a publisher's. Default 1,024.
	MaxUnproven int
	// Log gets what happens to sessions; nil discards it.
	Log *slog.Logger
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Lookup == nil {
		c.Lookup = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	c.LookupInterval = cmp.Or(c.LookupInterval, lookupInterval)
}

// Server answers the offers of publishers. All its sessions share one port.
type Server struct {
	log       *slog.Logger
	listen    netip.Addr
	port      int
	announced *announcement
	policy    AddressPolicy
	udpConn   *steadyUDP
	udp       *udpMux
	tcp       *tcpMux
	network   *oneInterface
	users     users
	token     string // names us in a check of our own; no one else knows it
	logs      logging.LoggerFactory

	running    context.Context //nolint:containedctx // the parent of sessions, which outlive the calls that make them
	cancel     context.CancelFunc
	background sync.WaitGroup
	mu         sync.Mutex // guards closed and sessions.Add against sessions.Wait
	closed     bool
	sessions   sync.WaitGroup
}

// Listen binds the port for UDP and TCP, and resolves the announced addresses.
// The end of ctx ends all sessions; Close frees the port.
func Listen(ctx context.Context, cfg Config) (*Server, error) {
	cfg.setDefaults()
	announced, err := newAnnouncement(ctx, cfg.Addresses, cfg.Lookup, cfg.Log)
	if err != nil {
		return nil, err
	}
	udp, tcp, err := bind(cfg.Listen, cfg.Port)
	if err != nil {
		return nil, err
	}
	s, err := serve(ctx, cfg, announced, udp, tcp)
	if err != nil {
		return nil, errors.Join(err, udp.Close(), tcp.Close())
	}
	return s, nil
}

// serve makes a server on sockets that are open.
func serve(ctx context.Context, cfg Config, announced *announcement, udp udpSocket, tcp net.Listener) (*Server, error) {
	addresses := localAddresses(cfg.Listen)
	network, err := newOneInterface(addresses)
	if err != nil {
		return nil, err
	}
	s := &Server{
		log: cfg.Log, listen: cfg.Listen, port: portOf(udp.LocalAddr()), logs: &pionLogs{cfg.Log},
		announced: announced,
		policy:    AddressPolicy{Listen: cfg.Listen, Interfaces: cfg.AnnounceInterfaces},
		udpConn:   newSteadyUDP(udp, cfg.Log),
		network:   network,
		users:     users{list: map[string]*user{}},
		token:     rand.Text(),
	}
	s.udp = newUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{
		Logger: s.logs.NewLogger("ice-udp"), UDPConn: s.udpConn, Net: network, OnUnhandledPacket: s.strayPacket,
	}), addresses, s.port)
	s.tcp = &tcpMux{ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:        newGate(tcp, cfg.MaxUnproven, cfg.Log, s.judgeTCP),
		Logger:          s.logs.NewLogger("ice-tcp"),
		ReadBufferSize:  64,
		WriteBufferSize: 1 << 20,
		// The gate has read a check for a session that there is: one that has
		// ended since is all that this is for.
		AliveDurationForConnFromStun: time.Second,
	})}
	s.running, s.cancel = context.WithCancel(ctx)
	s.background.Go(func() { announced.watch(s.running, cfg.LookupInterval) })
	return s, nil
}

// strayPacket answers our own check; other packets for no session are dropped.
func (s *Server) strayPacket(packet []byte, from netip.AddrPort) {
	if answer := s.answerSelf(packet, from); answer != nil {
		_, _ = s.udpConn.WriteToAddrPort(answer, from) // who asked sees that none came
	}
}

// judgeTCP lets through a connection that begins with a check for a session.
func (s *Server) judgeTCP(first []byte, remote netip.AddrPort) judgment {
	found := s.users.of(first)
	if found == nil {
		if reply := s.answerSelf(first, remote); reply != nil {
			return judgment{reply: reply}
		}
		return judgment{refusal: &refusal{unprovenBudget, "its first packet is no valid check of a session"}}
	}
	if found.connections.Add(1) > maxConnections {
		found.connections.Add(-1)
		return judgment{refusal: &refusal{sessionBudget, "its session has as many as a publisher needs"}}
	}
	return judgment{pass: &pass{
		local:   net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.localOf(remote.Addr()), uint16(s.port))),
		release: func() { found.connections.Add(-1) },
	}}
}

// localOf is the local address that Pion knows for a remote one.
func (s *Server) localOf(remote netip.Addr) netip.Addr {
	addresses := localAddresses(s.listen)
	if remote.Is6() {
		return addresses[len(addresses)-1]
	}
	return addresses[0]
}

// candidates are those that a publisher is told now.
func (s *Server) candidates() ([]candidate, error) {
	policy := s.policy
	policy.Announced = s.announced.addresses()
	own, err := InterfaceAddresses()
	if err != nil && len(policy.Announced) == 0 {
		return nil, err
	}
	return candidatesOf(policy.Tell(own), s.port), nil
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
	s.background.Wait()
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

// settings are Pion's for a session.
func (s *Server) settings(session *Session) pion.SettingEngine {
	e := commonSettings(s.logs)
	// Publishers reach us on addresses that we announce, so they make the checks
	// (RFC 8445, section 2.5). An offer would otherwise be a way to have us knock
	// on any port of our network, and a publisher that changes its network path
	// would have to wait for our opinion.
	e.SetLite(true)
	e.SetICECredentials(session.local.ufrag, session.local.pwd)
	e.SetICEBindingRequestHandler(session.handleCheck)
	e.SetNet(s.network)
	e.SetIncludeLoopbackCandidate(true) // which may be the one that is bound
	e.SetICEUDPMux(s.udp)
	e.SetICETCPMux(s.tcp)
	e.DisableActiveTCP(true)
	// Media from a source that was announced surfaces as soon as the connection
	// stands. To wait for its first packet, as is the default, is to lose the
	// track when that packet is a retransmission, whose codec is not known yet.
	e.SetFireOnTrackBeforeFirstRTP(true)
	return e
}
