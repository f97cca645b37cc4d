package main

import (
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
)

// host makes of the Host of a request the one that addresses in answers name: a
// name that the certificate is for stays as it was asked for, and any other one
// becomes the server's. It is nil where the server does not know its names.
func (f *front) host() func(asked string) string {
	switch domains := f.flags.ACMEDomain; {
	case f.files != nil:
		return func(asked string) string {
			if name, ok := hostname(asked); ok && f.files.Leaf().VerifyHostname(name) == nil {
				return asked
			}
			return f.certified()
		}
	case len(domains) > 0:
		return func(asked string) string {
			name, ok := hostname(asked)
			if ok && slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(d, name) }) {
				return asked
			}
			return domains[0]
		}
	default:
		return nil
	}
}

// hostname is the name or address in a Host. What follows the name has to be a
// port, or it could lead elsewhere once it stands in an address.
func hostname(host string) (name string, ok bool) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return host, !strings.Contains(host, "@")
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return name, err == nil
}

// warnOfHosts says when addresses in answers are whatever a request claims.
func (f *front) warnOfHosts(log *slog.Logger) {
	tcp, ok := f.listener.Addr().(*net.TCPAddr)
	if f.flags.PublicURL == "" && f.host() == nil && ok && !tcp.IP.IsLoopback() {
		log.Warn("addresses in answers are those that requests ask for, which anybody can make up; set --public-url to the address that players use")
	}
}
