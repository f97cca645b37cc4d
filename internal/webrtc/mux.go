package webrtc

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// Pion gets one local address of each family, whatever interfaces there are: all
// sessions read from the same sockets, and which addresses publishers are told
// is for us to say. These are for documentation only (RFC 5737, RFC 3849); they
// never leave the process.
func localAddresses(listen netip.Addr) []netip.Addr {
	if listen.IsValid() && !listen.IsUnspecified() {
		return []netip.Addr{listen.Unmap()}
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1}), netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})}
}

// oneInterface is the network that Pion sees.
type oneInterface struct {
	*stdnet.Net
	only *transport.Interface
}

func newOneInterface(addresses []netip.Addr) (*oneInterface, error) {
	system, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	only := transport.NewInterface(net.Interface{Index: 1, MTU: 1500, Name: "sluice", Flags: net.FlagUp})
	for _, a := range addresses {
		only.AddAddress(&net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())})
	}
	return &oneInterface{Net: system, only: only}, nil
}

// Interfaces implements transport.Net.
func (n *oneInterface) Interfaces() ([]*transport.Interface, error) {
	return []*transport.Interface{n.only}, nil
}

// udpMux is Pion's with the addresses that Pion is to know of.
type udpMux struct {
	*ice.UDPMuxDefault
	listen []net.Addr
}

func newUDPMux(mux *ice.UDPMuxDefault, addresses []netip.Addr, port int) *udpMux {
	m := &udpMux{UDPMuxDefault: mux}
	for _, a := range addresses {
		m.listen = append(m.listen, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(port))))
	}
	return m
}

// GetListenAddresses implements ice.UDPMux.
func (m *udpMux) GetListenAddresses() []net.Addr { return m.listen }

// tcpMux is Pion's with connections that outlive one of theirs: a publisher may
// open another.
type tcpMux struct{ mux *ice.TCPMuxDefault }

// GetConnByUfrag implements ice.TCPMux.
func (m *tcpMux) GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error) {
	conn, err := m.mux.GetConnByUfrag(ufrag, isIPv6, local)
	if err != nil {
		return nil, err
	}
	return &steadyTCP{conn}, nil
}

// RemoveConnByUfrag implements ice.TCPMux.
func (m *tcpMux) RemoveConnByUfrag(ufrag string) { m.mux.RemoveConnByUfrag(ufrag) }

// Close implements ice.TCPMux.
func (m *tcpMux) Close() error { return m.mux.Close() }

// steadyTCP reads what comes over all TCP connections of a session. Pion stops
// reading at the end of the last one.
type steadyTCP struct{ net.PacketConn }

// ReadFrom implements net.PacketConn. An error that names a remote address is of
// one connection, one that does not is of all.
func (c *steadyTCP) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.PacketConn.ReadFrom(b)
		if err == nil || addr == nil || errors.Is(err, io.ErrClosedPipe) {
			return n, addr, err
		}
	}
}

// maxConnections bounds the TCP connections of one session. A browser opens one
// from each of its interfaces to each of our addresses.
const maxConnections = 32

// users are the sessions that a check may be for.
type users struct {
	mu   sync.Mutex
	list map[string]*user // by our username fragment
}

type user struct {
	credentials             // ours
	theirs      credentials // the publisher's
	connected   atomic.Bool // it has been
	connections atomic.Int32
}

func (u *users) add(ours, theirs credentials) *user {
	u.mu.Lock()
	defer u.mu.Unlock()
	added := &user{credentials: ours, theirs: theirs}
	u.list[ours.ufrag] = added
	return added
}

// uses says whether a session has been connected with a publisher's credentials.
func (u *users) uses(theirs credentials) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, other := range u.list {
		if other.theirs == theirs && other.connected.Load() {
			return true
		}
	}
	return false
}

func (u *users) remove(c credentials) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.list, c.ufrag)
}

// of finds the session that a packet is a valid check for (RFC 8445, section
// 7.3: signed with our password); nil when there is none.
func (u *users) of(packet []byte) *user {
	name, check := checkOf(packet)
	if check == nil {
		return nil
	}
	u.mu.Lock()
	found := u.list[name]
	u.mu.Unlock()
	if found == nil || stun.NewShortTermIntegrity(found.pwd).Check(check) != nil {
		return nil
	}
	return found
}
