package webrtc

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice"
)

// maxCandidates bounds how many candidates of one publisher are tried. A
// browser on a machine with many interfaces has some twenty.
const maxCandidates = 64

// Priorities of the announced candidates: those of host candidates over UDP
// and over passive TCP (RFC 8445, section 5.1.2; RFC 6544, section 4.2).
const (
	priorityUDP = 126<<24 | 65535<<8 | 255
	priorityTCP = 90<<24 | (4<<13|8191)<<8 | 255
)

// candidate is one of our transport addresses, as a candidate attribute has it
// (RFC 8839, section 5.1).
type candidate struct{ value string }

// announcedCandidates are those of addresses that are not our interfaces' own:
// the public side of a NAT that forwards port to us.
func announcedCandidates(addresses []netip.Addr, port int) []candidate {
	list := make([]candidate, 0, 2*len(addresses))
	for i, a := range addresses {
		list = append(list,
			candidate{fmt.Sprintf("announcedudp%d 1 udp %d %s %d typ host", i, priorityUDP, a, port)},
			candidate{fmt.Sprintf("announcedtcp%d 1 tcp %d %s %d typ host tcptype passive", i, priorityTCP, a, port)},
		)
	}
	return list
}

// resolve turns announced IP addresses and host names into addresses. A name
// that has none is an error: the server would be unreachable for no visible
// reason.
func resolve(ctx context.Context, names []string) ([]netip.Addr, error) {
	var list []netip.Addr
	for _, name := range names {
		if a, err := netip.ParseAddr(name); err == nil {
			list = append(list, a.Unmap())
			continue
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if err != nil {
			return nil, fmt.Errorf("announced address %q is neither an IP address nor a name that resolves: %w", name, err)
		}
		for _, a := range found {
			list = append(list, a.Unmap())
		}
	}
	return list, nil
}

// browserForm is a candidate of ours in the form that browsers add.
func (s *Session) browserForm(value string) sluice.ICECandidate {
	section, index := s.offer.transport()
	mid, line, ufrag := section.mid, uint16(index), s.ufrag
	return sluice.ICECandidate{
		Candidate:        "candidate:" + value,
		SDPMid:           &mid,
		SDPMLineIndex:    &line,
		UsernameFragment: &ufrag,
	}
}

// transport is the section whose transport all others are bundled into, and
// its index.
func (o *offer) transport() (section, int) {
	for i, s := range o.sections {
		if s.kept {
			return s, i
		}
	}
	return section{}, 0
}

// CheckCandidate fails, with an error of kind KindMalformed, for what is no
// candidate. The empty one, which ends them, is fine.
func CheckCandidate(c sluice.ICECandidate) error {
	_, _, err := parseCandidate(c)
	return err
}

// parseCandidate reads a candidate as browsers write it; nil for the empty one.
func parseCandidate(c sluice.ICECandidate) (value string, _ ice.Candidate, _ error) {
	value = strings.TrimPrefix(strings.TrimPrefix(strings.Trim(c.Candidate, "\ufeff \t\r\n"), "a="), "candidate:")
	if value == "" {
		return "", nil, nil
	}
	parsed, err := ice.UnmarshalCandidate(value)
	if err != nil {
		return value, nil, sluice.Errorf(sluice.KindMalformed, "candidate_invalid",
			"the ICE candidate cannot be read; send RTCIceCandidate.toJSON() as the browser made it").Wrap(err)
	}
	return value, parsed, nil
}

// AddCandidate takes a candidate of the publisher. The empty one, names of
// multicast DNS and TCP candidates need nothing done: the publisher reaches us.
// Candidates of another offer are dropped. What CheckCandidate refuses is an
// error.
func (s *Session) AddCandidate(c sluice.ICECandidate) error {
	value, parsed, err := parseCandidate(c)
	if err != nil || parsed == nil {
		return err
	}
	if !s.isCurrent(c, parsed) {
		s.log.Debug("candidate of another offer dropped", slog.String("candidate", value))
		return nil
	}
	if parsed.NetworkType().IsTCP() || strings.HasSuffix(parsed.Address(), ".local") {
		return nil
	}
	if s.candidates.Add(1) > maxCandidates {
		s.log.Debug("one candidate too many dropped", slog.String("candidate", value))
		return nil
	}
	if err := s.pc.AddICECandidate(pion.ICECandidateInit{Candidate: value}); err != nil {
		s.log.Debug("candidate not added", slog.String("candidate", value), slog.Any("err", err))
	}
	return nil
}

// isCurrent compares the username fragment, where there is one, with those of
// the offer.
func (s *Session) isCurrent(c sluice.ICECandidate, parsed ice.Candidate) bool {
	if c.UsernameFragment != nil && *c.UsernameFragment != "" {
		return s.offer.hasUfrag(*c.UsernameFragment)
	}
	if e, ok := parsed.GetExtension("ufrag"); ok {
		return s.offer.hasUfrag(e.Value)
	}
	return true
}
