package hls

import (
	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
)

// audioGroup is the group that all variants take their sound from.
const audioGroup = "audio"

// Multivariant is the multivariant playlist: one audio group, and a variant for
// each rendition of the ladder, lowest first. The snapshot is playable.
func Multivariant(s *cmaf.Snapshot) string {
	var p playlist
	p.header()
	p.audio(s.Audio)
	for i, rendition := range s.Ladder {
		p.variant(rendition, s.Video[i], s.Audio)
	}
	return p.String()
}

// audio is the one rendition of the audio group (section 4.4.6.1).
func (p *playlist) audio(t *cmaf.TrackSnapshot) {
	p.line(`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="%d",URI=%q`,
		audioGroup, t.Init.Channels, MediaName(t.Name))
}

// variant is one rendition with the sound (section 4.4.6.2). The encoder may spend
// what a second takes in advance, half as much again in a segment of two, and a
// peak may be a quarter above what is said (Apple's authoring specification, 1.29).
func (p *playlist) variant(r sluice.Rendition, video, audio *cmaf.TrackSnapshot) {
	peak := bandwidth(r.Bitrate*6/5, video.Peak) + bandwidth(sluice.AudioBitrate, audio.Peak)
	average := bandwidth(r.Bitrate, video.Average) + bandwidth(sluice.AudioBitrate, audio.Average)
	p.line(`#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS="%s,%s",RESOLUTION=%dx%d,FRAME-RATE=%d.000,AUDIO=%q,CLOSED-CAPTIONS=NONE`,
		peak, average, video.Init.Codecs, audio.Init.Codecs, video.Init.Width, video.Init.Height, sluice.FrameRate, audioGroup)
	p.line("%s", MediaName(r.Name))
}

// bandwidth is what the encoder was told, or what was measured where that is
// more: a scene without detail takes less than the one after it will.
func bandwidth(told, measured int) int { return max(told, measured) }
