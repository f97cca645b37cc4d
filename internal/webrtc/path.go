package webrtc

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// A publisher of which nothing is heard, neither media nor checks, is asked for a
// sign of life, and is away when it gives none. Media come many times in
// that time and checks every few seconds, so few are asked.
const (
	livenessInterval = 200 * time.Millisecond
	askAfter         = 800 * time.Millisecond
	awayAfter        = 1600 * time.Millisecond
	// minAsked guards against a process that did not run for a while and has
	// not read yet what came.
	minAsked = 3
)

// liveness judges whether a publisher is there.
type liveness struct {
	heard time.Time
	asked int // since then
}

// judge says, with when something was last heard, whether the publisher is away
// and whether it is to be asked now.
func (l *liveness) judge(now, heard time.Time) (away, ask bool) {
	if heard.After(l.heard) {
		l.heard, l.asked = heard, 0
	}
	silence := now.Sub(l.heard)
	if silence < askAfter {
		return false, false
	}
	if silence >= awayAfter && l.asked >= minAsked {
		return true, false
	}
	l.asked++
	return false, true
}

// path is the network path to a publisher. The publisher chooses it, by
// nomination, and changes it when its network does.
type path struct {
	since    time.Time
	selected atomic.Pointer[remote]
	checked  atomic.Int64 // when the last check came over any path, ns after since
}

// remote is the far end of a path.
type remote struct{ ice.Candidate }

// follow is called for every valid check and says whether its path is to be
// selected. Pion has selected one that is nominated. Some publishers do not
// nominate again when their address changes under them, as behind a NAT: then
// the path that checks come over is right and the silent one is not.
func (p *path) follow(now time.Time, nominated bool, from ice.Candidate) bool {
	p.checked.Store(int64(now.Sub(p.since)))
	current := p.selected.Load()
	switch {
	case nominated:
		p.selected.Store(&remote{from})
		return false
	case current == nil || from.Equal(current.Candidate) || now.Sub(current.LastReceived()) < askAfter:
		return false
	default:
		p.selected.Store(&remote{from})
		return true
	}
}

// heard is when the publisher was last heard of.
func (p *path) heard() time.Time {
	last := p.since.Add(time.Duration(p.checked.Load()))
	if r := p.selected.Load(); r != nil && r.LastReceived().After(last) {
		last = r.LastReceived()
	}
	return last
}

// handleCheck is Pion's hook for valid checks.
func (s *Session) handleCheck(m *stun.Message, _, from ice.Candidate, _ *ice.CandidatePair) bool {
	return s.path.follow(time.Now(), m.Contains(stun.AttrUseCandidate), from)
}

// ask sends a check over the selected path: only to an address that has sent a
// valid one itself. The answer counts as heard.
func (s *Session) ask() error {
	to := s.path.selected.Load()
	if to == nil {
		return nil
	}
	theirs := s.offer.credentials()
	check, err := stun.Build(stun.BindingRequest, stun.TransactionID,
		stun.NewUsername(theirs.ufrag+":"+s.local.ufrag),
		ice.AttrControlled(s.tieBreaker), ice.PriorityAttr(typeUDP),
		stun.NewShortTermIntegrity(theirs.pwd), stun.Fingerprint)
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddr(to.Address())
	if err != nil {
		return err
	}
	at := netip.AddrPortFrom(addr, uint16(to.Port()))
	if !to.NetworkType().IsTCP() {
		_, err = s.server.udpConn.WriteToAddrPort(check.Raw, at)
		return err
	}
	conn, err := s.server.tcp.GetConnByUfrag(s.local.ufrag, addr.Is6(), s.server.localOf(addr).AsSlice())
	if err != nil {
		return err
	}
	_, err = conn.WriteTo(check.Raw, net.TCPAddrFromAddrPort(at))
	_ = conn.Close() // gives back our share of it
	return err
}

// newTieBreaker is the number that settles conflicts of roles (RFC 8445, section
// 7.3.1.1).
func newTieBreaker() uint64 { return rand.Uint64() } //nolint:gosec // no secret
