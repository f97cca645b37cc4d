package mkv

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/at-wat/ebml-go"

	"github.com/sluicelive/sluice/internal/media"
)

// codecID is Matroska's name for what browsers send (RFC 9559 and the codec
// registry beside it). H.264 goes in as Annex B without CodecPrivate, since its
// parameter sets change in mid-stream; FFmpeg reads them from the key frames.
func codecID(c media.Codec) string {
	switch c {
	case media.VP8:
		return "V_VP8"
	case media.VP9:
		return "V_VP9"
	case media.AV1:
		return "V_AV1"
	case media.H264:
		return "V_MPEG4/ISO/AVC"
	case media.Opus:
		return "A_OPUS"
	default:
		return ""
	}
}

type stream struct {
	Header  header  `ebml:"EBML"`
	Segment segment `ebml:"Segment,size=unknown"`
}

type header struct {
	EBMLVersion        uint64 `ebml:"EBMLVersion"`
	EBMLReadVersion    uint64 `ebml:"EBMLReadVersion"`
	EBMLMaxIDLength    uint64 `ebml:"EBMLMaxIDLength"`
	EBMLMaxSizeLength  uint64 `ebml:"EBMLMaxSizeLength"`
	DocType            string `ebml:"EBMLDocType"`
	DocTypeVersion     uint64 `ebml:"EBMLDocTypeVersion"`
	DocTypeReadVersion uint64 `ebml:"EBMLDocTypeReadVersion"`
}

type segment struct {
	Info   info   `ebml:"Info"`
	Tracks tracks `ebml:"Tracks"`
}

type info struct {
	TimecodeScale uint64 `ebml:"TimecodeScale"`
	MuxingApp     string `ebml:"MuxingApp"`
	WritingApp    string `ebml:"WritingApp"`
}

type tracks struct {
	Entries []track `ebml:"TrackEntry"`
}

type track struct {
	Number       uint64 `ebml:"TrackNumber"`
	UID          uint64 `ebml:"TrackUID"`
	Type         uint64 `ebml:"TrackType"`
	Lacing       uint64 `ebml:"FlagLacing"`
	CodecID      string `ebml:"CodecID"`
	CodecPrivate []byte `ebml:"CodecPrivate,omitempty"`
	Video        *video `ebml:"Video,omitempty"`
	Audio        *audio `ebml:"Audio,omitempty"`
}

type video struct {
	PixelWidth  uint64 `ebml:"PixelWidth"`
	PixelHeight uint64 `ebml:"PixelHeight"`
}

type audio struct {
	SamplingFrequency float64 `ebml:"SamplingFrequency"`
	Channels          uint64  `ebml:"Channels"`
}

// head is everything before the first cluster. The size it states is only a
// first guess for the decoder: each key frame says its own.
func head(codec media.Codec) ([]byte, error) {
	const app = "sluice"
	s := stream{
		Header: header{
			EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8,
			DocType: "matroska", DocTypeVersion: 4, DocTypeReadVersion: 2,
		},
		Segment: segment{
			Info: info{TimecodeScale: timecodeScale, MuxingApp: app, WritingApp: app},
			Tracks: tracks{Entries: []track{
				{
					Number: videoTrack, UID: videoTrack, Type: 1, CodecID: codecID(codec),
					Video: &video{PixelWidth: 1280, PixelHeight: 720},
				},
				{
					Number: audioTrack, UID: audioTrack, Type: 2, CodecID: codecID(media.Opus),
					CodecPrivate: opusHead(), Audio: &audio{SamplingFrequency: 48_000, Channels: 2},
				},
			}},
		},
	}
	var b bytes.Buffer
	if err := ebml.Marshal(&s, &b); err != nil {
		return nil, fmt.Errorf("mkv: marshal head: %w", err)
	}
	return b.Bytes(), nil
}

// opusHead is the identification header of a stereo stream without pre-skip
// (RFC 7845, section 5.1): a live stream has no start to skip.
func opusHead() []byte {
	b := append([]byte("OpusHead"), 1, 2)
	b = binary.LittleEndian.AppendUint16(b, 0)      // pre-skip
	b = binary.LittleEndian.AppendUint32(b, 48_000) // input sample rate
	return append(b, 0, 0, 0)                       // output gain, mapping family
}
