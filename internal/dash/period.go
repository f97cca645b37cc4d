package dash

import (
	"strconv"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/media"
)

// Ids of the adaptation sets, which never change (DASH-IF restricted timing
// model, MPD updates).
const (
	videoSet uint32 = iota + 1
	audioSet
)

// startsWithKeyFrame is the SAP type of segments whose first sample is an IDR
// picture (ISO/IEC 14496-12, annex I).
const startsWithKeyFrame = 1

// period covers a stretch of segments from the first of them that is left. It
// starts there, at the segment's nominal start on the stream clock, so that no
// player asks for anything before it. The number that the stretch began with is
// its id, for as long as it is there.
func period(s *cmaf.Snapshot, f Form, stretch cmaf.Stretch, first uint64) *mpd.Period {
	p := &mpd.Period{
		Id:    strconv.FormatUint(stretch.First, 10),
		Start: duration(sluice.SegmentStart(first)),
	}
	switch {
	case stretch.Last != cmaf.Ongoing:
		p.Duration = duration(sluice.SegmentStart(stretch.Last + 1 - first))
	case s.Ended():
		p.Duration = duration(s.MediaEnd() - sluice.SegmentStart(first))
	}
	p.AppendAdaptationSet(video(s, f, first))
	p.AppendAdaptationSet(audio(s, f, first))
	return p
}

// video is the renditions of the ladder, in its order.
func video(s *cmaf.Snapshot, f Form, first uint64) *mpd.AdaptationSetType {
	set := adaptationSet(videoSet, s.Video[0].Init, s, f, first)
	for i, rendition := range s.Ladder {
		in := s.Video[i].Init
		r := representation(rendition.Name, rendition.Bitrate, in.Codecs)
		r.Width, r.Height = uint32(in.Width), uint32(in.Height)
		r.FrameRate = mpd.FrameRateType(strconv.Itoa(sluice.FrameRate))
		set.AppendRepresentation(r)
	}
	return set
}

func audio(s *cmaf.Snapshot, f Form, first uint64) *mpd.AdaptationSetType {
	t := s.Audio
	set := adaptationSet(audioSet, t.Init, s, f, first)
	r := representation(t.Name, sluice.AudioBitrate, t.Init.Codecs)
	r.AudioSamplingRate = mpd.Ptr(mpd.UIntVectorType(strconv.Itoa(t.Init.SampleRate)))
	r.AudioChannelConfigurations = []*mpd.DescriptorType{{
		SchemeIdUri: mpd.AUDIO_CHANNEL_CONFIGURATION_MPEG_DASH,
		Value:       strconv.Itoa(t.Init.Channels),
	}}
	set.AppendRepresentation(r)
	return set
}

// adaptationSet is a set of tracks like this one.
func adaptationSet(id uint32, in *cmaf.Init, s *cmaf.Snapshot, f Form, first uint64) *mpd.AdaptationSetType {
	set := &mpd.AdaptationSetType{
		Id:               mpd.Ptr(id),
		ContentType:      mpd.RFC6838ContentTypeType(in.Kind.String()),
		SegmentAlignment: true,
		SegmentTemplate:  segmentTemplate(in.Timescale, first),
	}
	if !f.static(s) {
		chunked(set, in, s, f, first)
	}
	set.MimeType = "video/mp4"
	if in.Kind == media.Audio {
		set.MimeType = "audio/mp4"
		set.Lang = "und"
	}
	set.StartWithSAP = startsWithKeyFrame
	set.Roles = []*mpd.DescriptorType{{SchemeIdUri: "urn:mpeg:dash:role:2011", Value: "main"}}
	return set
}

func representation(id string, bitrate int, codecs string) *mpd.RepresentationType {
	r := &mpd.RepresentationType{Id: id, Bandwidth: uint32(bitrate)}
	r.Codecs = codecs
	return r
}

// segmentTemplate addresses segments from the first on. Decode times are on
// the stream clock: the presentation time offset is where on it the period starts.
func segmentTemplate(timescale uint32, first uint64) *mpd.SegmentTemplateType {
	ticks := uint64(sluice.SegmentDuration.Seconds() * float64(timescale))
	t := &mpd.SegmentTemplateType{
		Initialization: cmaf.InitName("$RepresentationID$"),
		Media:          cmaf.SegmentTemplate("$RepresentationID$", "$Number$"),
	}
	t.Timescale = mpd.Ptr(timescale)
	t.Duration = mpd.Ptr(uint32(ticks))
	t.StartNumber = mpd.Ptr(uint32(first))
	t.PresentationTimeOffset = mpd.Ptr(first * ticks)
	return t
}
