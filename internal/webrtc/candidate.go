package webrtc

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pion/ice/v4"

	"github.com/sluicelive/sluice"
)

// Preferences of our candidates: those of host candidates over UDP and over
// passive TCP (RFC 8445, section 5.1.2; RFC 6544, section 4.2). The local
// preference counts down, since no two may be equal.
const (
	typeUDP         = 126 << 24
	typeTCP         = 90 << 24
	localUDP        = 65535
	directionTCP    = 4 << 13
	localTCP        = 8191
	componentOfRTP  = 255
	localPreference = 8 // bits that it is shifted by
)

// candidate is one of our transport addresses, as a candidate attribute has it
// (RFC 8839, section 5.1).
type candidate struct{ value string }

// candidatesOf are those of addresses, the best first: all over UDP, then all
// over TCP.
func candidatesOf(addresses []netip.Addr, port int) []candidate {
	list := make([]candidate, 0, 2*len(addresses))
	for i, a := range addresses {
		priority := typeUDP | (localUDP-i)<<localPreference | componentOfRTP
		list = append(list, candidate{fmt.Sprintf("announcedudp%d 1 udp %d %s %d typ host", i, priority, a, port)})
	}
	for i, a := range addresses {
		priority := typeTCP | (directionTCP|(localTCP-i))<<localPreference | componentOfRTP
		list = append(list, candidate{fmt.Sprintf("announcedtcp%d 1 tcp %d %s %d typ host tcptype passive", i, priority, a, port)})
	}
	return list
}

// browserForm is a candidate of ours in the form that browsers add.
func (s *Session) browserForm(value string) sluice.ICECandidate {
	section, index := s.offer.transport()
	mid, line, ufrag := section.mid, uint16(index), s.local.ufrag
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

// CheckCandidate looks at a candidate of a publisher, which is all that is done with
// it: see Server.settings. It fails, with an error of kind KindMalformed, for what is no
// candidate. The empty one, which ends them, is fine.
func CheckCandidate(c sluice.ICECandidate) error {
	value := strings.TrimPrefix(strings.TrimPrefix(strings.Trim(c.Candidate, "\ufeff \t\r\n"), "a="), "candidate:")
	if value == "" {
		return nil
	}
	if _, err := ice.UnmarshalCandidate(value); err != nil {
		return sluice.Errorf(sluice.KindMalformed, "candidate_invalid",
			"the ICE candidate cannot be read; send RTCIceCandidate.toJSON() as the browser made it").Wrap(err)
	}
	return nil
}
