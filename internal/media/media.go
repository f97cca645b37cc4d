// Package media holds the words that ingest, encoder and packager share: what a
// codec is, and what one coded frame off the network looks like.
package media

import "time"

// Kind tells audio from video.
type Kind uint8

// The kinds of media.
const (
	Video Kind = iota
	Audio
)

// String is "video" or "audio".
func (k Kind) String() string {
	if k == Audio {
		return "audio"
	}
	return "video"
}

// Codec is a codec that a browser can publish.
type Codec uint8

// The codecs that are taken in.
const (
	VP8 Codec = iota + 1
	VP9
	AV1
	H264
	Opus
)

var codecs = map[Codec]struct { //nolint:gochecknoglobals // a table that nothing writes
	name      string
	kind      Kind
	clockRate uint32
}{
	VP8:  {"VP8", Video, 90_000},
	VP9:  {"VP9", Video, 90_000},
	AV1:  {"AV1", Video, 90_000},
	H264: {"H264", Video, 90_000},
	Opus: {"opus", Audio, 48_000},
}

// String is the codec's name as SDP writes it.
func (c Codec) String() string { return codecs[c].name }

// Kind says whether the codec carries audio or video.
func (c Codec) Kind() Kind { return codecs[c].kind }

// ClockRate is the codec's RTP clock rate in hertz.
func (c Codec) ClockRate() uint32 { return codecs[c].clockRate }

// Frame is one coded frame as it came off the network, whole and in order.
//
// Data is: for VP8 and VP9 one frame (VP9: one superframe with all its spatial
// layers), for AV1 one temporal unit of OBUs that carry their sizes and
// without temporal delimiters, for H.264 one access unit in Annex B form, for
// Opus one packet.
type Frame struct {
	Codec   Codec
	Key     bool      // decodable without any frame before it; always true for Opus
	RTPTime uint32    // in ticks of the codec's clock rate, wraps
	Arrived time.Time // when its last packet arrived, with a monotonic reading
	Data    []byte
}

// SenderReport ties a track's RTP time to its sender's wall clock (RFC 3550,
// section 6.4.1).
type SenderReport struct {
	Kind    Kind
	NTP     time.Time // the sender's clock, whose zero and rate may be off from ours
	RTPTime uint32
}
