package httpd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/clientaddr"
)

// ConnectionLimits says how many connections there may be.
type ConnectionLimits struct {
	// Total is for all listeners together, PerAddress for one client address, or
	// one /64 network of IPv6. Both are required.
	Total, PerAddress int
	// Trusted are the proxies whose connections have no limit of their own: each
	// carries the requests of many clients.
	Trusted clientaddr.Proxies
	Now     func() time.Time
	Log     *slog.Logger
}

// Connections counts the connections of all listeners of a server, and refuses
// those over the limits.
type Connections struct {
	ConnectionLimits

	mu     sync.Mutex
	crowd  crowd
	said   budget.Pace // of connections over the limits
	failed budget.Pace // of errors of accept

	lingering chan struct{} // a place for each that was refused and is being closed
	closing   sync.WaitGroup
}

// MaxLingering bounds how many refused clients are given time to read why. Their
// connections are not among ConnectionLimits.Total.
const MaxLingering = 32

const (
	lingerFor = 250 * time.Millisecond
	// refusedRetry is when a refused client may come back.
	refusedRetry = 5 * time.Second
)

// NewConnections makes a count for one server.
func NewConnections(limits ConnectionLimits) *Connections {
	return &Connections{
		ConnectionLimits: limits,
		crowd:            crowd{total: limits.Total, perAddress: limits.PerAddress, groups: map[netip.Addr]*group{}},
		lingering:        make(chan struct{}, MaxLingering),
	}
}

// Wait returns when the connections that were refused are closed.
func (c *Connections) Wait() { c.closing.Wait() }

// listen counts the connections of a listener. Those refused are told why, unless
// they expect TLS first.
func (c *Connections) listen(l net.Listener, secure bool) net.Listener {
	if c == nil {
		return l
	}
	return &countedListener{Listener: l, all: c, secure: secure, closed: make(chan struct{})}
}

// countedListener admits connections.
type countedListener struct {
	net.Listener
	all    *Connections
	secure bool
	once   sync.Once
	closed chan struct{}
}

// Accept implements net.Listener. It goes on whatever the system says, as when
// there is no descriptor left: a listener that ends would shut the server for good.
func (l *countedListener) Accept() (net.Conn, error) {
	var backoff budget.Backoff
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			backoff.Succeeded()
			if admitted := l.all.admit(conn, l.secure); admitted != nil {
				return admitted, nil
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		l.all.reportAccept(err)
		retry := time.NewTimer(backoff.Failed())
		select {
		case <-retry.C:
		case <-l.closed:
			retry.Stop()
			return nil, net.ErrClosed
		}
	}
}

// Close implements net.Listener.
func (l *countedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// admit counts a connection, or refuses it and returns nil.
func (c *Connections) admit(conn net.Conn, secure bool) net.Conn {
	addr := clientaddr.Parse(conn.RemoteAddr().String())
	key := clientaddr.Key(addr)
	counted := &countedConn{Conn: conn, all: c}
	c.mu.Lock()
	p, victim, why := c.crowd.enter(key, c.Trusted.Trusts(addr))
	if p != nil {
		p.drop = func() { _ = conn.Close() }
		counted.place = p
	}
	held, heldInAll := 0, c.crowd.held
	if g := c.crowd.groups[key]; g != nil {
		held = g.held
	}
	unsaid, due := 0, false
	if why != free {
		unsaid, due = c.said.Due(c.Now())
	}
	c.mu.Unlock()
	if victim != nil {
		victim.drop()
	}
	if due {
		c.report(key, why, victim != nil, held, heldInAll, unsaid)
	}
	if p == nil {
		c.refuse(conn, why, secure)
		return nil
	}
	return counted
}

// report says which limit was met, and what raises it.
func (c *Connections) report(key netip.Addr, why verdict, replaced bool, held, heldInAll, unsaid int) {
	raise := "--max-connections-per-address"
	if why == ofAll {
		raise = "--max-connections"
	}
	done := "a new one is refused"
	if replaced {
		done = "one without a request is closed for a new one"
	}
	c.Log.Warn("budget used up", "budget", "connections", "of", key, "done", done, "held", held, "heldInAll", heldInAll,
		"moreSince", unsaid, "raise", raise, "hint", "behind a proxy, name it with --trusted-proxy")
}

func (c *Connections) reportAccept(err error) {
	c.mu.Lock()
	unsaid, due := c.failed.Due(c.Now())
	held := c.crowd.held
	c.mu.Unlock()
	if due {
		c.Log.Warn("cannot accept connections, trying again", "err", err, "connections", held, "moreSince", unsaid,
			"hint", "raise the limit of open files, or lower --max-connections")
	}
}

// refuse closes a connection. Few at a time are given a moment to take the answer:
// what a client has sent already would cut it off otherwise.
func (c *Connections) refuse(conn net.Conn, why verdict, secure bool) {
	if secure {
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Now().Add(lingerFor))
	_, err := io.WriteString(conn, refusal(why))
	half, ok := conn.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_ = conn.Close()
		return
	}
	select {
	case c.lingering <- struct{}{}:
		c.closing.Go(func() {
			defer func() { <-c.lingering }()
			_, _ = io.CopyN(io.Discard, conn, maxHeaderBytes)
			_ = conn.Close()
		})
	default:
		_ = conn.Close()
	}
}

// refusal is a whole answer to a request that was not read.
func refusal(why verdict) string {
	code, text := http.StatusServiceUnavailable, "the server has as many connections as it can hold; try again later\n"
	if why == ofOne {
		code, text = http.StatusTooManyRequests, "there are too many connections from this address; close some, or try again later\n"
	}
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"+
		"Retry-After: %d\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		code, http.StatusText(code), int(refusedRetry.Seconds()), len(text), text)
}

// track follows what connections do; it is http.Server.ConnState.
func (c *Connections) track(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	counted, ok := conn.(*countedConn)
	if !ok {
		return
	}
	to := active
	switch state {
	case http.StateIdle:
		to = idle
	case http.StateActive, http.StateHijacked:
	case http.StateNew, http.StateClosed:
		return // enter and Close have seen to it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crowd.move(counted.place, to)
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	all   *Connections
	place *place
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.all.mu.Lock()
	c.all.crowd.leave(c.place)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before it closes the connection.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
