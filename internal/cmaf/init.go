package cmaf

import (
	"bytes"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/sluicelive/sluice/internal/media"
)

// Init is a track's init segment, and what it says of the track. It is
// immutable.
type Init struct {
	Bytes     []byte // ftyp and moov
	Kind      media.Kind
	Codecs    string // RFC 6381: avc1.64001f, mp4a.40.2
	Timescale uint32 // ticks a second
	Width     int    // pixels; video only
	Height    int    // pixels; video only

	SampleRate int // hertz; audio only
	Channels   int // audio only

	trackID uint32
	trex    *mp4.TrexBox
}

// newInit reads a moov of one H.264 or AAC track and makes the init segment of
// it: the moov as it is, pasp and colr included, under brands of ours.
func newInit(b box) (*Init, error) {
	parsed, err := b.decode()
	if err != nil {
		return nil, err
	}
	moov, ok := parsed.(*mp4.MoovBox)
	if !ok || len(moov.Traks) != 1 || moov.Mvex == nil || moov.Mvex.Trex == nil {
		return nil, fmt.Errorf("%w: moov without exactly one trak and its trex", ErrBox)
	}
	stsd, err := sampleDescriptions(moov.Trak)
	if err != nil {
		return nil, err
	}
	in := &Init{
		Timescale: moov.Trak.Mdia.Mdhd.Timescale,
		trackID:   moov.Trak.Tkhd.TrackID,
		trex:      moov.Mvex.Trex,
	}
	switch {
	case stsd.AvcX != nil:
		err = in.describeVideo(stsd.AvcX)
	case stsd.Mp4a != nil:
		err = in.describeAudio(stsd.Mp4a)
	default:
		err = fmt.Errorf("%w: neither avc1 nor mp4a", ErrBox)
	}
	if err != nil {
		return nil, err
	}
	in.Bytes, err = in.encode(b.bytes)
	return in, err
}

// sampleDescriptions finds stsd through boxes any of which may be missing.
func sampleDescriptions(trak *mp4.TrakBox) (*mp4.StsdBox, error) {
	if trak.Tkhd == nil || trak.Mdia == nil || trak.Mdia.Mdhd == nil || trak.Mdia.Minf == nil ||
		trak.Mdia.Minf.Stbl == nil || trak.Mdia.Minf.Stbl.Stsd == nil {
		return nil, fmt.Errorf("%w: incomplete trak", ErrBox)
	}
	return trak.Mdia.Minf.Stbl.Stsd, nil
}

func (in *Init) describeVideo(entry *mp4.VisualSampleEntryBox) error {
	// Parameter sets stand in the header: avc1, not avc3.
	if entry.Type() != "avc1" || entry.AvcC == nil || len(entry.AvcC.SPSnalus) == 0 {
		return fmt.Errorf("%w: %s without parameter sets", ErrBox, entry.Type())
	}
	c := entry.AvcC
	in.Kind = media.Video
	in.Codecs = fmt.Sprintf("avc1.%02x%02x%02x", c.AVCProfileIndication, c.ProfileCompatibility, c.AVCLevelIndication)
	in.Width, in.Height = int(entry.Width), int(entry.Height)
	return nil
}

// objectTypeAAC is MPEG-4 audio (ISO/IEC 14496-1, table 5).
const objectTypeAAC = 0x40

func (in *Init) describeAudio(entry *mp4.AudioSampleEntryBox) error {
	if entry.Esds == nil || entry.Esds.DecConfigDescriptor == nil {
		return fmt.Errorf("%w: mp4a without its decoder's configuration", ErrBox)
	}
	config := entry.Esds.DecConfigDescriptor
	if config.ObjectType != objectTypeAAC || config.DecSpecificInfo == nil || len(config.DecSpecificInfo.DecConfig) == 0 {
		return fmt.Errorf("%w: mp4a that is not AAC", ErrBox)
	}
	audioObjectType := config.DecSpecificInfo.DecConfig[0] >> 3 // ISO/IEC 14496-3, section 1.6.2.1
	in.Kind, in.Codecs = media.Audio, fmt.Sprintf("mp4a.%x.%d", objectTypeAAC, audioObjectType)
	in.SampleRate, in.Channels = int(entry.SampleRate), int(entry.ChannelCount)
	return nil
}

// encode puts CMAF's brands before the moov: the structural one, and the media
// profile of the track (ISO/IEC 23000-19, sections 7.2, A.1.2 and A.2).
func (in *Init) encode(moov []byte) ([]byte, error) {
	profile := "cfhd"
	if in.Kind == media.Audio {
		profile = "caac"
	}
	ftyp := mp4.NewFtyp("cmfc", 0, []string{"cmfc", "iso6", "dash", profile})
	var out bytes.Buffer
	out.Grow(int(ftyp.Size()) + len(moov))
	if err := ftyp.Encode(&out); err != nil {
		return nil, err
	}
	out.Write(moov)
	return out.Bytes(), nil
}
