package webrtc

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sluicelive/sluice/internal/budget"
)

// Bounds of TCP connections that have not shown yet that they are a publisher's.
const (
	// proofTimeout is how long a connection has: a publisher sends its first
	// check as soon as it is connected.
	proofTimeout = 10 * time.Second
	// unprovenPerAddress leaves room for a network of publishers behind one
	// address.
	unprovenPerAddress = 64
	// defaultMaxUnproven bounds those of all addresses.
	defaultMaxUnproven = 1024
	// maxFirstPacket is the longest first packet that is read: a check.
	maxFirstPacket = 512
)

// gate accepts TCP connections and lets through those whose first packet is a
// valid check for a session there is. It is the listener of Pion's mux, which by
// itself ends with the first error of Accept, holds silent connections for half
// a minute, and waits for them when it closes.
type gate struct {
	listener net.Listener
	log      *slog.Logger
	judge    func(first []byte, remote netip.AddrPort) judgment
	proof    time.Duration

	ctx    context.Context //nolint:containedctx // the life of the gate
	cancel context.CancelFunc
	proven chan net.Conn
	wg     sync.WaitGroup

	mu       sync.Mutex // guards what follows, and wg.Add against wg.Wait
	unproven *unproven
	said     [budgets]budget.Pace // of each its own: none hides another
}

// judgment is what is done with a connection for its first packet: one of these.
type judgment struct {
	pass    *pass  // it is let through
	reply   []byte // it is answered and closed
	refusal *refusal
}

// refusal is why a connection is closed, as the log has it.
type refusal struct {
	budget gateBudget
	done   string
}

// gateBudget is what a connection is closed for.
type gateBudget int

const (
	unprovenBudget gateBudget = iota
	sessionBudget
	budgets // how many there are
)

func (b gateBudget) String() string {
	if b == sessionBudget {
		return "WebRTC connections over TCP of one session"
	}
	return "WebRTC connections over TCP that have not shown a session"
}

// pass lets one connection of a session through.
type pass struct {
	local   net.Addr // as Pion knows the listener
	release func()   // called when the connection closes
}

func newGate(listener net.Listener, maxUnproven int, log *slog.Logger, judge func([]byte, netip.AddrPort) judgment) *gate {
	if maxUnproven == 0 {
		maxUnproven = defaultMaxUnproven
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &gate{
		listener: listener, log: log, judge: judge, proof: proofTimeout,
		ctx: ctx, cancel: cancel,
		proven:   make(chan net.Conn),
		unproven: newUnproven(maxUnproven, unprovenPerAddress),
	}
	g.wg.Go(g.run)
	return g
}

// run accepts connections until the gate closes, whatever goes wrong meanwhile.
func (g *gate) run() {
	refusals := retry{log: g.log, what: "the WebRTC TCP port cannot accept connections"}
	for {
		conn, err := g.listener.Accept()
		switch {
		case err == nil:
			refusals.backoff.Succeeded()
			g.admit(conn)
		case g.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		case !refusals.failed(g.ctx, err):
			return
		}
	}
}

// admit has a connection prove itself, and closes the one that has to give way,
// whose own goroutine tells the log: a slow log must not stop the accepting.
func (g *gate) admit(conn net.Conn) {
	for _, old := range g.count(conn) {
		_ = old.Close()
	}
}

// count has a connection prove itself, and returns those that have to give way.
func (g *gate) count(conn net.Conn) []net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		_ = conn.Close()
		return nil
	}
	g.wg.Go(func() { g.prove(conn) })
	return g.unproven.add(conn, remoteOf(conn).Addr())
}

// report logs, once a second at most of each budget, that a connection was closed.
func (g *gate) report(conn net.Conn, why refusal) {
	g.mu.Lock()
	unsaid, due := g.said[why.budget].Due(time.Now())
	held := g.unproven.order.Len()
	g.mu.Unlock()
	if due {
		g.log.Warn("connection closed", slog.String("budget", why.budget.String()),
			slog.Any("of", remoteOf(conn).Addr()), slog.String("done", why.done),
			slog.Int("unproven", held), slog.Int("moreSince", unsaid))
	}
}

// prove reads a connection's first packet and lets it through or closes it.
func (g *gate) prove(conn net.Conn) {
	defer func() {
		if !g.forget(conn) {
			g.report(conn, refusal{unprovenBudget, "the one that waited longest is closed for a new one"})
		}
	}()
	_ = conn.SetDeadline(time.Now().Add(g.proof))
	first, err := readFirst(conn)
	if err != nil {
		_ = conn.Close()
		return
	}
	judged := g.judge(first[2:], remoteOf(conn))
	if judged.pass == nil {
		if judged.reply != nil {
			_, _ = conn.Write(framed(judged.reply)) // who asked sees that none came
		}
		_ = conn.Close()
		if judged.refusal != nil {
			g.report(conn, *judged.refusal)
		}
		return
	}
	_ = conn.SetDeadline(time.Time{})
	through := &provenConn{Conn: conn, first: first, pass: judged.pass}
	select {
	case g.proven <- through:
	case <-g.ctx.Done():
		_ = through.Close()
	}
}

// forget counts a connection out; false when it gave way before.
func (g *gate) forget(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.unproven.remove(conn)
}

// readFirst reads one packet with its length before it (RFC 4571, section 2).
func readFirst(r io.Reader) ([]byte, error) {
	var header [2]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint16(header[:])
	if length > maxFirstPacket {
		return nil, io.ErrShortBuffer
	}
	packet := make([]byte, len(header)+int(length))
	copy(packet, header[:])
	_, err := io.ReadFull(r, packet[len(header):])
	return packet, err
}

// framed is a packet with its length before it.
func framed(packet []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
}

// Accept implements net.Listener with the connections that are let through.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case conn := <-g.proven:
		return conn, nil
	case <-g.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (g *gate) Addr() net.Addr { return g.listener.Addr() }

// Close closes the listener and every connection that is not through, and waits
// for their goroutines.
func (g *gate) Close() error {
	g.mu.Lock()
	again := g.ctx.Err() != nil
	g.cancel()
	for _, conn := range g.unproven.all() {
		_ = conn.Close()
	}
	g.mu.Unlock()
	var err error
	if !again {
		err = g.listener.Close()
	}
	g.wg.Wait()
	return err
}

// remoteOf is the other end of a TCP connection.
func remoteOf(conn net.Conn) netip.AddrPort {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		a := tcp.AddrPort()
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return netip.AddrPort{}
}

// provenConn is a connection that is through: its first packet is read again.
type provenConn struct {
	net.Conn
	first []byte
	pass  *pass
	once  sync.Once
}

// Read implements net.Conn.
func (c *provenConn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// LocalAddr implements net.Conn.
func (c *provenConn) LocalAddr() net.Addr { return c.pass.local }

// Close implements net.Conn.
func (c *provenConn) Close() error {
	c.once.Do(c.pass.release)
	return c.Conn.Close()
}
