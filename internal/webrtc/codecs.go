package webrtc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice/internal/media"
)

// payload is one payload type of a media section: a codec that is taken in, or
// the retransmission format (RFC 4588) of one.
type payload struct {
	number   uint8
	codec    media.Codec // 0 for retransmission
	repairs  uint8       // the payload type that this retransmits, 0 for a codec
	mime     string
	channels uint16
	fmtp     string
}

// codecNamed finds a codec by the name in its rtpmap line.
func codecNamed(name string) (media.Codec, bool) {
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264, media.Opus} {
		if strings.EqualFold(name, codec.String()) {
			return codec, true
		}
	}
	return 0, false
}

// payloads lists what a media section offers and we take, in its order.
// Retransmission is taken for codecs that are, and where the section says which
// source repairs which: the source of an undeclared one would pass for a track.
func payloads(section *sdp.MediaDescription, kind media.Kind) []payload {
	maps, fmtps := byPayload(section, "rtpmap"), byPayload(section, "fmtp")
	var list []payload
	taken := map[uint8]bool{}
	for _, format := range section.MediaName.Formats {
		p, ok := parseCodec(format, maps[format], fmtps[format], kind)
		if ok && !taken[p.number] {
			taken[p.number] = true
			list = append(list, p)
		}
	}
	if !declaresRepairs(section) {
		return list
	}
	for _, format := range section.MediaName.Formats {
		p, ok := parseRetransmission(format, maps[format], fmtps[format])
		if ok && taken[p.repairs] && !taken[p.number] {
			taken[p.number] = true
			list = append(list, p)
		}
	}
	return list
}

// declaresRepairs says whether the section groups its sources with those of
// their retransmissions (RFC 5576, section 4.2).
func declaresRepairs(section *sdp.MediaDescription) bool {
	return slices.ContainsFunc(section.Attributes, func(a sdp.Attribute) bool {
		return a.Key == "ssrc-group" && strings.HasPrefix(a.Value, "FID ")
	})
}

// byPayload collects an attribute whose value starts with a payload type.
func byPayload(section *sdp.MediaDescription, key string) map[string]string {
	values := map[string]string{}
	for _, a := range section.Attributes {
		if number, value, ok := strings.Cut(a.Value, " "); ok && a.Key == key {
			if _, twice := values[number]; !twice {
				values[number] = strings.TrimSpace(value)
			}
		}
	}
	return values
}

func parseCodec(format, rtpmap, fmtp string, kind media.Kind) (payload, bool) {
	number, err := strconv.ParseUint(format, 10, 7)
	name, rate, _ := strings.Cut(rtpmap, "/")
	codec, known := codecNamed(name)
	if err != nil || !known || codec.Kind() != kind {
		return payload{}, false
	}
	p := payload{number: uint8(number), codec: codec, mime: kind.String() + "/" + codec.String(), fmtp: fmtp}
	rate, channels, _ := strings.Cut(rate, "/")
	switch codec {
	case media.Opus:
		// Always two in the rtpmap (RFC 7587, section 7), and for any number of
		// channels; where it is left out or says one, the same is meant.
		known = channels == "2" || channels == "1" || channels == ""
		n, _ := strconv.ParseUint(channels, 10, 16)
		p.channels = uint16(n)
	case media.H264:
		p.fmtp = completeH264(fmtp)
		if parameter(p.fmtp, "packetization-mode") == "2" { // interleaved
			return payload{}, false
		}
	default: // the others are as they are, whatever their profile
	}
	return p, known && rate == strconv.Itoa(int(codec.ClockRate()))
}

func parseRetransmission(format, rtpmap, fmtp string) (payload, bool) {
	number, err := strconv.ParseUint(format, 10, 7)
	apt, aptErr := strconv.ParseUint(parameter(fmtp, "apt"), 10, 7)
	if err != nil || aptErr != nil || !strings.EqualFold(rtpmap, "rtx/90000") {
		return payload{}, false
	}
	return payload{number: uint8(number), repairs: uint8(apt), mime: pion.MimeTypeRTX, fmtp: fmtp}, true
}

// completeH264 writes out the parameters that may be left out, with what that
// means (RFC 6184, section 8.1): formats are compared by them.
func completeH264(fmtp string) string {
	for _, d := range []struct{ name, value string }{
		{"packetization-mode", "0"},
		{"profile-level-id", "42000a"},
	} {
		if parameter(fmtp, d.name) == "" {
			fmtp = addParameter(fmtp, d.name+"="+d.value)
		}
	}
	return fmtp
}

// parameter finds a parameter in the value of an fmtp line.
func parameter(fmtp, name string) string {
	for field := range strings.SplitSeq(fmtp, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

func addParameter(fmtp, field string) string {
	if fmtp == "" {
		return field
	}
	return fmtp + ";" + field
}

// feedback is what we can make use of: what the offer has of it is answered.
func feedback(kind media.Kind) []pion.RTCPFeedback {
	if kind == media.Audio {
		return []pion.RTCPFeedback{{Type: "transport-cc"}, {Type: "nack"}}
	}
	return []pion.RTCPFeedback{
		{Type: "goog-remb"},
		{Type: "transport-cc"},
		{Type: "ccm", Parameter: "fir"},
		{Type: "nack"},
		{Type: "nack", Parameter: "pli"},
	}
}

// parameters is the payload in the form that Pion registers.
func (p payload) parameters(kind media.Kind) pion.RTPCodecParameters {
	capability := pion.RTPCodecCapability{MimeType: p.mime, ClockRate: 90_000, Channels: p.channels, SDPFmtpLine: p.fmtp}
	if p.codec != 0 {
		capability.ClockRate = p.codec.ClockRate()
		capability.RTCPFeedback = feedback(kind)
	}
	return pion.RTPCodecParameters{RTPCodecCapability: capability, PayloadType: pion.PayloadType(p.number)}
}
