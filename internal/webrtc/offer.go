package webrtc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// Bounds of an offer. Those of browsers have some ten kilobytes, two or three
// sections, and one fragment of credentials.
const (
	maxOffer    = 128 << 10
	maxSections = 32
)

const transportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// offer is an SDP offer, reduced to what we take: everything in it that we do
// not know is gone before it is negotiated.
type offer struct {
	sections []section
	desc     sdp.SessionDescription
	bundled  bool // the sections kept are in a BUNDLE group of the offer
}

// section is one m-line of the offer.
type section struct {
	media    *sdp.MediaDescription // as offered, cleaned when kept
	mid      string
	kept     bool // negotiated; others are rejected with port 0
	sends    bool // its media is taken
	kind     media.Kind
	payloads []payload
}

// parseOffer reads an offer and chooses the sections that are taken: the first
// that sends video and the first that sends audio, each if we have a codec.
func parseOffer(text string) (*offer, error) {
	var o offer
	text = plainText(text)
	if len(text) > maxOffer || !strings.HasPrefix(text, "v=") {
		return nil, offerInvalid(fmt.Errorf("%d bytes, not of a session description", len(text)))
	}
	if err := o.desc.UnmarshalString(text); err != nil {
		return nil, offerInvalid(err)
	}
	if n := len(o.desc.MediaDescriptions); n > maxSections {
		return nil, offerInvalid(fmt.Errorf("%d media sections", n))
	}
	var offered [2]bool // by kind: some section sends it
	for i, m := range o.desc.MediaDescriptions {
		s := newSection(m, i, &o.desc)
		s.sends = s.kept && s.sends && !o.takes(s.kind)
		o.sections = append(o.sections, s)
		offered[s.kind] = offered[s.kind] || sendsMedia(m, &o.desc)
	}
	if !offered[media.Video] && !offered[media.Audio] {
		return nil, sluice.Errorf(sluice.KindInvalid, "offer_without_media",
			"the offer sends neither audio nor video: add the tracks of a MediaStream to the peer connection before createOffer")
	}
	for _, kind := range []media.Kind{media.Video, media.Audio} {
		switch {
		case !offered[kind] || o.takes(kind):
		case o.incomplete(kind):
			return nil, offerInvalid(fmt.Errorf("%v formats without an rtpmap line; it may be cut short", kind))
		default:
			return nil, codecUnsupported(kind)
		}
	}
	if err := o.chooseTransport(); err != nil {
		return nil, err
	}
	o.clean()
	return &o, nil
}

// plainText mends what text loses and gains between an offerer and us: the last
// line end is trimmed, a byte order mark or an indent is put before it, and
// line ends are changed. No line of SDP begins with a space (RFC 8866, section 5).
func plainText(text string) string {
	if len(text) > maxOffer {
		return text
	}
	var b strings.Builder
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if line = strings.TrimLeft(line, "\ufeff \t"); line != "" {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String()
}

// incomplete says whether a section of a kind lists a format above the fixed
// ones (RFC 3551, section 6) without saying what it is: the end of the text may
// be missing.
func (o *offer) incomplete(kind media.Kind) bool {
	return slices.ContainsFunc(o.sections, func(s section) bool {
		maps := byPayload(s.media, "rtpmap")
		return isMedia(s.media) && s.kind == kind && slices.ContainsFunc(s.media.MediaName.Formats, func(format string) bool {
			number, err := strconv.Atoi(format)
			return err == nil && number > 34 && maps[format] == ""
		})
	})
}

// codecUnsupported refuses an offer of which a kind could not be taken: the
// publisher would believe that all of it is live.
func codecUnsupported(kind media.Kind) *sluice.Error {
	if kind == media.Audio {
		return sluice.Errorf(sluice.KindInvalid, "codec_unsupported",
			"the offer has no audio codec that is taken here; offer opus/48000/2, or leave audio out")
	}
	return sluice.Errorf(sluice.KindInvalid, "codec_unsupported",
		"the offer has no video codec that is taken here; offer VP8, VP9, AV1 or H264, or leave video out")
}

// chooseTransport keeps the sections that share a transport with those whose
// media is taken. One that is in no BUNDLE group has a transport of its own
// (RFC 9143, section 7.1), and there is one transport in a session.
func (o *offer) chooseTransport() error {
	var sending []string
	for _, s := range o.sections {
		if s.sends {
			sending = append(sending, s.mid)
		}
	}
	group := o.bundle(sending)
	if o.bundled = group != nil; !o.bundled && len(sending) > 1 {
		return sluice.Errorf(sluice.KindInvalid, "offer_not_bundled",
			"the offer sends audio and video over separate transports, and only one is taken here; "+
				"put both into one BUNDLE group (bundlePolicy \"max-bundle\", or bundle-policy=max-bundle in GStreamer) and send its a=group line")
	}
	if !o.bundled {
		group = sending
	}
	for i := range o.sections {
		o.sections[i].kept = o.sections[i].kept && slices.Contains(group, o.sections[i].mid)
	}
	return nil
}

// bundle is the BUNDLE group that has all these sections, or nil.
func (o *offer) bundle(mids []string) []string {
	for _, a := range o.desc.Attributes {
		group := strings.Fields(a.Value)
		if a.Key != "group" || len(group) == 0 || group[0] != "BUNDLE" {
			continue
		}
		group = group[1:]
		if !slices.ContainsFunc(mids, func(mid string) bool { return !slices.Contains(group, mid) }) {
			return group
		}
	}
	return nil
}

func offerInvalid(cause error) *sluice.Error {
	return sluice.Errorf(sluice.KindMalformed, "offer_invalid",
		"the session description is not a valid SDP offer; send localDescription.sdp as createOffer and setLocalDescription made it").Wrap(cause)
}

func newSection(m *sdp.MediaDescription, index int, desc *sdp.SessionDescription) section {
	s := section{media: m, kind: kindOf(m)}
	s.mid, _ = m.Attribute("mid")
	if s.mid == "" {
		s.mid = strconv.Itoa(index)
		m.Attributes = append(m.Attributes, sdp.NewAttribute("mid", s.mid))
	}
	if isMedia(m) {
		s.payloads = payloads(m, s.kind)
		s.kept = len(s.payloads) > 0 && accepting(m)
		s.sends = sendsMedia(m, desc)
	}
	return s
}

func isMedia(m *sdp.MediaDescription) bool {
	return m.MediaName.Media == "audio" || m.MediaName.Media == "video"
}

func kindOf(m *sdp.MediaDescription) media.Kind {
	if m.MediaName.Media == "audio" {
		return media.Audio
	}
	return media.Video
}

// accepting tells a section that was withdrawn, by port 0, from one that waits
// to be bundled (RFC 9143, section 6).
func accepting(m *sdp.MediaDescription) bool {
	_, bundleOnly := m.Attribute("bundle-only")
	return m.MediaName.Port.Value != 0 || bundleOnly
}

// sendsMedia says whether a section is audio or video that its offerer sends.
func sendsMedia(m *sdp.MediaDescription, desc *sdp.SessionDescription) bool {
	return isMedia(m) && accepting(m) && slices.Contains([]string{"sendrecv", "sendonly"}, direction(m, desc))
}

// direction of a section; without any, it is sendrecv (RFC 8866, section 6.7).
func direction(m *sdp.MediaDescription, desc *sdp.SessionDescription) string {
	for _, attributes := range [][]sdp.Attribute{m.Attributes, desc.Attributes} {
		for _, a := range attributes {
			if isDirection(a.Key) {
				return a.Key
			}
		}
	}
	return "sendrecv"
}

func isDirection(key string) bool {
	return slices.Contains([]string{"sendrecv", "sendonly", "recvonly", "inactive"}, key)
}

// takes says whether a section of this kind is taken.
func (o *offer) takes(kind media.Kind) bool {
	return slices.ContainsFunc(o.sections, func(s section) bool { return s.sends && s.kind == kind })
}

// payload finds a payload type of the section of a kind that is taken.
func (o *offer) payload(kind media.Kind, number uint8) (payload, bool) {
	for _, s := range o.sections {
		if !s.sends || s.kind != kind {
			continue
		}
		for _, p := range s.payloads {
			if p.number == number {
				return p, true
			}
		}
	}
	return payload{}, false
}

// clean leaves in the description what is negotiated, in one BUNDLE group: Pion
// rejects what is in none.
func (o *offer) clean() {
	o.desc.MediaDescriptions = nil
	var mids []string
	var declared []*sdp.MediaDescription
	for i := range o.sections {
		s := &o.sections[i]
		if !s.kept {
			continue
		}
		s.clean()
		if sources := s.takeSources(); sources != nil {
			declared = append(declared, sources)
		}
		mids = append(mids, s.mid)
		o.desc.MediaDescriptions = append(o.desc.MediaDescriptions, s.media)
	}
	// The order of the group counts: its first section is that of the transport.
	group := o.bundle(mids)
	slices.SortStableFunc(mids, func(a, b string) int { return slices.Index(group, a) - slices.Index(group, b) })
	for i, m := range declared {
		mid := o.unusedMid(i)
		m.Attributes = append(m.Attributes, sdp.NewAttribute("mid", mid))
		mids = append(mids, mid)
	}
	o.desc.MediaDescriptions = append(o.desc.MediaDescriptions, declared...)
	o.desc.Attributes = slices.DeleteFunc(slices.Clone(o.desc.Attributes), func(a sdp.Attribute) bool { return a.Key == "group" })
	o.desc.Attributes = append(o.desc.Attributes, sdp.NewAttribute("group", "BUNDLE "+strings.Join(mids, " ")))
}

// unusedMid names a section that is not of the offer.
func (o *offer) unusedMid(n int) string {
	mid := "sources" + strconv.Itoa(n)
	for slices.ContainsFunc(o.sections, func(s section) bool { return s.mid == mid }) {
		mid += "x"
	}
	return mid
}

// takeSources moves the sources that a section declares to a section of their
// own, or returns nil if there are none. Pion takes media of a declared source
// from its first packet on, and repairs it, but throws away that of any other
// source if the section it belongs to declares some. A publisher may well send
// from a source that it did not declare, and its payload types say to which
// section it belongs. The answer leaves the added section out.
func (s *section) takeSources() *sdp.MediaDescription {
	isSource := func(a sdp.Attribute) bool { return a.Key == "ssrc" || a.Key == "ssrc-group" }
	if !s.sends || !slices.ContainsFunc(s.media.Attributes, isSource) {
		return nil
	}
	declared := *s.media
	declared.Attributes = slices.DeleteFunc(slices.Clone(declared.Attributes), func(a sdp.Attribute) bool {
		return a.Key == "mid" || a.IsICECandidate()
	})
	s.media.Attributes = slices.DeleteFunc(s.media.Attributes, isSource)
	return &declared
}

// clean rewrites the section's formats to those taken. Simulcast goes, and its
// restrictions with it (RFC 8853, section 5.3.2: the offerer then sends one
// stream), and so does every header extension but that of congestion control.
func (s *section) clean() {
	m := *s.media
	m.MediaName.Formats = nil
	m.Attributes = slices.DeleteFunc(slices.Clone(m.Attributes), s.drops)
	for _, p := range s.payloads {
		number := strconv.Itoa(int(p.number))
		m.MediaName.Formats = append(m.MediaName.Formats, number)
		m.Attributes = append(m.Attributes, p.attributes()...)
		// Browsers offer no NACK for Opus but honor it when it is answered.
		if p.codec == media.Opus {
			m.Attributes = append(m.Attributes, sdp.NewAttribute("rtcp-fb", number+" nack"))
		}
	}
	if !s.sends {
		m.Attributes = append(m.Attributes, sdp.NewPropertyAttribute("inactive"))
	}
	s.media = &m
}

// drops says which attributes do not stay as they were offered.
func (s *section) drops(a sdp.Attribute) bool {
	number, _, _ := strings.Cut(a.Value, " ")
	switch a.Key {
	case "rtpmap", "fmtp", "rid", "simulcast":
		return true
	case "rtcp-fb":
		return number != "*" && !slices.ContainsFunc(s.payloads, func(p payload) bool { return strconv.Itoa(int(p.number)) == number })
	case "extmap":
		return !strings.HasSuffix(a.Value, transportCC)
	}
	return isDirection(a.Key) && !s.sends
}

// attributes are the rtpmap and fmtp lines of a payload type.
func (p payload) attributes() []sdp.Attribute {
	number := strconv.Itoa(int(p.number))
	_, name, _ := strings.Cut(p.mime, "/")
	name += "/" + strconv.Itoa(int(p.parameters(media.Video).ClockRate))
	if p.channels > 0 {
		name += "/" + strconv.Itoa(int(p.channels))
	}
	lines := []sdp.Attribute{sdp.NewAttribute("rtpmap", number+" "+name)}
	if p.fmtp != "" {
		lines = append(lines, sdp.NewAttribute("fmtp", number+" "+p.fmtp))
	}
	return lines
}
