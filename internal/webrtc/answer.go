package webrtc

import (
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// startBitrate is where Chromium's encoder starts, in kb/s. Without it, it sits
// at 480×270 for its first seconds.
const startBitrate = "x-google-start-bitrate=2000"

// finishAnswer makes of the negotiated answer the one that is sent: with a line
// for every section of the offer, as RFC 3264, section 6 demands, the bitrate
// to start at, and our candidates.
func finishAnswer(negotiated string, o *offer, ours []candidate) (string, error) {
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(negotiated); err != nil {
		return "", err
	}
	var sections []*sdp.MediaDescription
	_, carrier := o.transport()
	for i, s := range o.sections {
		at := slices.IndexFunc(desc.MediaDescriptions, func(m *sdp.MediaDescription) bool {
			mid, _ := m.Attribute("mid")
			return s.kept && mid == s.mid
		})
		if at < 0 {
			sections = append(sections, rejected(s))
			continue
		}
		m := desc.MediaDescriptions[at]
		setStartBitrate(m, s)
		if i == carrier {
			setCandidates(m, ours)
		}
		sections = append(sections, m)
	}
	desc.MediaDescriptions = sections
	setBundle(&desc, o)
	text, err := desc.Marshal()
	return string(text), err
}

// setBundle names the sections that were offered as a group and are kept, in the
// offer's order. An offer without a group must not be answered with one (RFC
// 9143, section 7.3).
func setBundle(desc *sdp.SessionDescription, o *offer) {
	group := "BUNDLE"
	for _, s := range o.sections {
		if s.kept {
			group += " " + s.mid
		}
	}
	desc.Attributes = slices.DeleteFunc(desc.Attributes, func(a sdp.Attribute) bool { return a.Key == "group" })
	if o.bundled {
		desc.Attributes = append(desc.Attributes, sdp.NewAttribute("group", group))
	}
}

// rejected answers a section that is not taken: port 0, and what it offered
// (RFC 3264, section 6).
func rejected(s section) *sdp.MediaDescription {
	name := s.media.MediaName
	name.Port = sdp.RangedPort{}
	return &sdp.MediaDescription{
		MediaName: name,
		ConnectionInformation: &sdp.ConnectionInformation{
			NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
		},
		Attributes: []sdp.Attribute{sdp.NewAttribute("mid", s.mid), sdp.NewPropertyAttribute("inactive")},
	}
}

// setStartBitrate adds the start bitrate to the fmtp line of each video codec,
// which it may have to make.
func setStartBitrate(m *sdp.MediaDescription, s section) {
	if m.MediaName.Media != "video" || !s.sends {
		return
	}
	repairs := map[string]bool{}
	for i, a := range m.Attributes {
		number, fmtp, _ := strings.Cut(a.Value, " ")
		switch {
		case a.Key == "rtpmap" && strings.HasPrefix(strings.ToLower(fmtp), "rtx/"):
			repairs[number] = true
		case a.Key == "fmtp" && !repairs[number]:
			m.Attributes[i].Value = a.Value + ";" + startBitrate
			repairs[number] = true
		}
	}
	for _, number := range m.MediaName.Formats {
		if !repairs[number] {
			m.Attributes = append(m.Attributes, sdp.NewAttribute("fmtp", number+" "+startBitrate))
		}
	}
}

// setCandidates puts our candidates in place of those that Pion gathered, if it
// has: only our own lead to us. There are none for RTCP, which is always on the
// port of RTP (RFC 5761).
func setCandidates(m *sdp.MediaDescription, ours []candidate) {
	m.Attributes = slices.DeleteFunc(m.Attributes, sdp.Attribute.IsICECandidate)
	for _, c := range ours {
		m.Attributes = append(m.Attributes, sdp.NewAttribute("candidate", c.value))
	}
}
