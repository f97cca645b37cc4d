// Package clientaddr tells whose request it is: the address of the client, also
// where trusted proxies stand between.
package clientaddr

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Headers by which proxies say for whom they ask.
const (
	headerFor       = "X-Forwarded-For"
	headerProto     = "X-Forwarded-Proto"
	headerForwarded = "Forwarded" // RFC 7239
)

// Proxies are the addresses of the proxies whose word is taken.
type Proxies []netip.Prefix

// ParseProxies reads prefixes and single addresses.
func ParseProxies(texts []string) (Proxies, error) {
	proxies := make(Proxies, 0, len(texts))
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			proxies = append(proxies, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no address and no range of addresses; write it like 192.0.2.1 or 192.0.2.0/24", text)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

// Trusts reports whether an address is that of a trusted proxy.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// Settle makes a request say the truth about its sender: RemoteAddr becomes the
// client's address, and Secure knows what a trusted proxy said. Everything behind
// reads these, and no header.
func (p Proxies) Settle(r *http.Request) *http.Request {
	if len(p) == 0 {
		return r
	}
	peer := Of(r)
	if !p.Trusts(peer) {
		return r
	}
	client, secure := p.client(r.Header, peer)
	if client != peer {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
	if secure {
		r = r.WithContext(context.WithValue(r.Context(), secureKey{}, true))
	}
	return r
}

// secureKey marks the context of a request that reached a trusted proxy by HTTPS.
// No header could: a handler that is reached another way would believe it.
type secureKey struct{}

// client finds the client in what trusted proxies say: the last address that is
// none of theirs. Each proxy appends the address it was asked from, so what stands
// before that one is the client's own word. X-Forwarded-For goes first: a proxy
// that writes it may pass a client's Forwarded on unread.
func (p Proxies) client(h http.Header, peer netip.Addr) (client netip.Addr, secure bool) {
	hops, protos := list(h.Values(headerFor)), list(h.Values(headerProto))
	if len(hops) == 0 {
		forwarded := list(h.Values(headerForwarded))
		for _, element := range forwarded {
			hops = append(hops, parameter(element, "for"))
		}
		if len(protos) == 0 && len(forwarded) > 0 {
			protos = []string{parameter(forwarded[len(forwarded)-1], "proto")}
		}
	}
	secure = len(protos) > 0 && strings.EqualFold(protos[len(protos)-1], "https")
	client = peer
	for i := len(hops) - 1; i >= 0; i-- {
		addr, ok := parseHop(hops[i])
		if !ok {
			break // who asked there is not known: the proxy is
		}
		client = addr
		if !p.Trusts(addr) {
			break
		}
	}
	return client, secure
}

// list is the elements of a header that may be given several times.
func list(values []string) []string {
	var all []string
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			if element = strings.TrimSpace(element); element != "" {
				all = append(all, element)
			}
		}
	}
	return all
}

// parameter is one value of an element of Forwarded (RFC 7239, section 4); empty
// when it has none.
func parameter(element, name string) string {
	for pair := range strings.SplitSeq(element, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(key, name) {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// parseHop reads an address with or without a port: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	both, err := netip.ParseAddrPort(text)
	return both.Addr().Unmap().WithZone(""), err == nil
}

// Of is the address of the sender of a request; the zero address when it has none,
// as in a test over pipes.
func Of(r *http.Request) netip.Addr { return Parse(r.RemoteAddr) }

// Parse reads an address with its port, as a listener gives it.
func Parse(remote string) netip.Addr {
	both, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return both.Addr().Unmap()
}

// hostBits is the part of an IPv6 address that a network gives out: a client that has
// one such address has all with the same first bits (RFC 4291, section 2.5.4).
const hostBits = 64

// Key is what an address counts as in budgets: itself, or its network in IPv6.
func Key(addr netip.Addr) netip.Addr {
	if !addr.Is6() || addr.Is4In6() {
		return addr.Unmap()
	}
	network, err := addr.WithZone("").Prefix(hostBits)
	if err != nil {
		return addr
	}
	return network.Addr()
}

// Secure reports whether the client asked by HTTPS: of us, or of a trusted proxy.
func Secure(r *http.Request) bool {
	return r.TLS != nil || r.Context().Value(secureKey{}) != nil
}
