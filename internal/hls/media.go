package hls

import (
	"github.com/sluicelive/sluice/internal/cmaf"
)

// Media is the media playlist of one track: the complete segments of its
// window. The track has at least one.
func Media(t *cmaf.TrackSnapshot) string {
	var p playlist
	window := t.Window()
	p.header()
	p.line("#EXT-X-TARGETDURATION:%d", targetDuration())
	p.line("#EXT-X-MEDIA-SEQUENCE:%d", window[0].Number)
	// Present from the first playlist on, although nothing breaks: a player
	// that saw none could not be told of a break that has left the window.
	p.line("#EXT-X-DISCONTINUITY-SEQUENCE:0")
	p.line("#EXT-X-MAP:URI=%q", cmaf.InitName(t.Name))
	for _, s := range window {
		p.segment(t, s)
	}
	if t.Ended {
		p.line("#EXT-X-ENDLIST")
	}
	return p.String()
}

// segment is one media segment, with its place on the wall clock (sections
// 4.4.4.1, 4.4.4.6, 4.4.4.7).
func (p *playlist) segment(t *cmaf.TrackSnapshot, s *cmaf.Segment) {
	p.line("#EXT-X-PROGRAM-DATE-TIME:%s", dateTime(t.Clock.WallTime(t.Time(s.Start))))
	if s.Missing() {
		p.line("#EXT-X-GAP")
	}
	p.line("#EXTINF:%.5f,", t.Time(s.Duration).Seconds())
	p.line("%s", cmaf.SegmentName(t.Name, s.Number))
}
