package webrtc

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// lookupInterval is how often announced names are resolved again.
	lookupInterval = time.Minute
	// maxAddresses bounds how many addresses an answer names: a publisher tries
	// each over UDP and over TCP.
	maxAddresses = 16
)

// lookup resolves a host name.
type lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// announcement is the addresses that publishers are told, in addition to those of the
// interfaces. The addresses of a name may change while the server runs.
type announcement struct {
	names  []string
	lookup lookup
	log    *slog.Logger

	mu    sync.Mutex
	found [][]netip.Addr // of each name
}

// newAnnouncement resolves the names. A name that has no address is an error:
// the server would be unreachable for no visible reason.
func newAnnouncement(ctx context.Context, names []string, find lookup, log *slog.Logger) (*announcement, error) {
	a := &announcement{names: names, lookup: find, log: log}
	for _, name := range names {
		found, err := a.resolve(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("announced address %q is neither an IP address nor a name that resolves: %w", name, err)
		}
		a.found = append(a.found, found)
	}
	return a, nil
}

func (a *announcement) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{addr.Unmap()}, nil
	}
	found, err := a.lookup(ctx, name)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no address", Name: name, IsNotFound: true}
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	slices.SortFunc(found, netip.Addr.Compare) // the order of answers says nothing
	return found, err
}

// watch resolves the names again in every interval, until ctx ends.
func (a *announcement) watch(ctx context.Context, every time.Duration) {
	if !slices.ContainsFunc(a.names, isName) {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.refresh(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func isName(text string) bool {
	_, err := netip.ParseAddr(text)
	return err != nil
}

// refresh looks up the names. One whose look-up fails keeps its addresses: most
// failures are of the resolver, not of the name.
func (a *announcement) refresh(ctx context.Context) {
	for i, name := range a.names {
		if !isName(name) {
			continue
		}
		found, err := a.resolve(ctx, name)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.log.Warn("announced name cannot be resolved; its last addresses stay", slog.String("name", name), slog.Any("err", err))
		case a.replace(i, found):
			a.log.Info("announced name has new addresses", slog.String("name", name), slog.Any("addresses", found))
		}
	}
}

// replace sets the addresses of a name and says whether they are other ones.
func (a *announcement) replace(i int, found []netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Equal(a.found[i], found) {
		return false
	}
	a.found[i] = found
	return true
}

// addresses are all there are now.
func (a *announcement) addresses() []netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Concat(a.found...)
}

// AddressPolicy says which addresses publishers are told.
type AddressPolicy struct {
	Listen     netip.Addr   // the one that is bound; the zero Addr or an unspecified one means all
	Announced  []netip.Addr // in the order that was given
	Interfaces bool         // tell the addresses of interfaces even where others are announced
}

// Tell chooses from the addresses of this machine's interfaces and puts first
// what most publishers reach: announced before public before private ones, and
// IPv4 before IPv6 among equals. Loopback is told only where there is nothing
// else, since it leads each other machine to itself.
func (p AddressPolicy) Tell(own []netip.Addr) []netip.Addr {
	told := slices.Clone(p.Announced)
	if len(told) == 0 || p.Interfaces {
		told = append(told, p.reachable(own)...)
	}
	var unique []netip.Addr
	for _, a := range told {
		if !slices.Contains(unique, a) && len(unique) < maxAddresses {
			unique = append(unique, a)
		}
	}
	return unique
}

func (p AddressPolicy) reachable(own []netip.Addr) []netip.Addr {
	if p.Listen.IsValid() && !p.Listen.IsUnspecified() {
		return []netip.Addr{p.Listen.Unmap()}
	}
	var usable, loopback []netip.Addr
	for _, a := range own {
		a = a.Unmap()
		switch {
		case a.IsLoopback():
			loopback = append(loopback, a)
		case a.IsGlobalUnicast() || a.Is4() && a.IsLinkLocalUnicast():
			usable = append(usable, a)
		default: // IPv6 link-local ones need a zone, which no candidate can name
		}
	}
	if len(usable) == 0 {
		usable = loopback
	}
	slices.SortStableFunc(usable, func(a, b netip.Addr) int { return cmp.Compare(distance(a), distance(b)) })
	return usable
}

// distance ranks addresses by how few publishers reach them.
func distance(a netip.Addr) int {
	rank := 0
	switch {
	case a.IsLinkLocalUnicast():
		rank = 4
	case IsPrivate(a):
		rank = 2
	}
	if a.Is6() {
		rank++
	}
	return rank
}

// IsPrivate says whether an address belongs to a network that the internet does
// not reach: private ones and those of carriers' NAT (RFC 6598).
func IsPrivate(a netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)
	return a.IsPrivate() || shared.Contains(a)
}

// InterfaceAddresses are the addresses of this machine's interfaces that are up.
func InterfaceAddresses() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				own = append(own, addr.Unmap())
			}
		}
	}
	return own, nil
}
