package webrtc

import (
	"container/list"
	"net"
	"net/netip"

	"github.com/sluicelive/sluice/internal/clientaddr"
)

// unproven counts the connections that have to prove themselves. The oldest give
// way to new ones: a publisher proves itself within a round trip, so what has
// waited longest is the least likely to be one.
type unproven struct {
	max, perAddress int
	order           *list.List // of unprovenConn, the oldest first
	at              map[net.Conn]*list.Element
	count           map[netip.Addr]int
}

type unprovenConn struct {
	conn net.Conn
	from netip.Addr
}

func newUnproven(limit, perAddress int) *unproven {
	return &unproven{
		// Half at the most: one address never fills the whole.
		max: limit, perAddress: max(1, min(perAddress, limit/2)), order: list.New(),
		at: map[net.Conn]*list.Element{}, count: map[netip.Addr]int{},
	}
}

// add counts a connection in and returns those that have to go.
func (u *unproven) add(conn net.Conn, from netip.Addr) []net.Conn {
	network := clientaddr.Key(from)
	u.at[conn] = u.order.PushBack(unprovenConn{conn, network})
	u.count[network]++
	var gone []net.Conn
	if u.count[network] > u.perAddress {
		gone = append(gone, u.evict(func(c unprovenConn) bool { return c.from == network }))
	}
	if u.order.Len() > u.max {
		most := u.most()
		gone = append(gone, u.evict(func(c unprovenConn) bool { return u.count[c.from] == most }))
	}
	return gone
}

// most is how many the network has that holds most: one that floods gives way to
// itself, and not a publisher that is slow to prove itself.
func (u *unproven) most() int {
	most := 0
	for _, count := range u.count {
		most = max(most, count)
	}
	return most
}

// evict counts the oldest connection out that matches. There is one.
func (u *unproven) evict(matches func(unprovenConn) bool) net.Conn {
	for e := u.order.Front(); e != nil; e = e.Next() {
		if c, ok := e.Value.(unprovenConn); ok && matches(c) {
			u.remove(c.conn)
			return c.conn
		}
	}
	return nil
}

// remove counts a connection out, and reports whether it was in.
func (u *unproven) remove(conn net.Conn) bool {
	e, ok := u.at[conn]
	if !ok {
		return false
	}
	delete(u.at, conn)
	if c, ok := u.order.Remove(e).(unprovenConn); ok {
		if u.count[c.from]--; u.count[c.from] == 0 {
			delete(u.count, c.from)
		}
	}
	return true
}

func (u *unproven) all() []net.Conn {
	list := make([]net.Conn, 0, len(u.at))
	for conn := range u.at {
		list = append(list, conn)
	}
	return list
}
