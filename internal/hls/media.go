package hls

import (
	"time"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// partsListed is how many segments have their parts listed, the one that parts are
// added to included: so none is listed more than three target durations from the
// end (section 6.2.2). They can be had for as long as their segments.
const partsListed = 3

// Media is the media playlist of one track, which has at least one complete
// segment: the complete segments of its window, and the parts of the newest
// ones. A playlist that goes on reports where the other renditions are.
//
// The delta form leaves out what a client that asks for it has (section
// 6.2.5.1).
func Media(t *cmaf.TrackSnapshot, others []*cmaf.TrackSnapshot, delta bool) string {
	var p playlist
	window := t.Window()
	if skipped := skippable(t, window); delta && skipped > 0 {
		p.head(t, window[0].Number)
		p.line("#EXT-X-SKIP:SKIPPED-SEGMENTS=%d", skipped)
		p.segments(t, window[skipped:])
	} else {
		_, _ = p.WriteString(opening(t))
		p.segments(t, window[settled(window):])
	}
	if t.Ended {
		p.line("#EXT-X-ENDLIST")
		return p.String()
	}
	if open := t.Last(); !open.Complete {
		p.dateTime(t, open)
		p.parts(t, open)
	}
	p.hint(t)
	p.reports(others)
	return p.String()
}

// opening is what playlists begin with as long as no segment is completed: a long
// window is nearly all of its playlist, which changes with every part.
func opening(t *cmaf.TrackSnapshot) string {
	return cmaf.Once(t.Settled, "hls opening", func() string {
		var p playlist
		window := t.Window()
		p.head(t, window[0].Number)
		p.segments(t, window[:settled(window)])
		return p.String()
	})
}

// settled is how many segments of the window have no parts listed.
func settled(window []*cmaf.Segment) int { return max(0, len(window)-(partsListed-1)) }

// head is what stands before the segments.
func (p *playlist) head(t *cmaf.TrackSnapshot, first uint64) {
	p.header()
	p.line("#EXT-X-TARGETDURATION:%d", int(TargetDuration/time.Second))
	p.lowLatency(t)
	p.line("#EXT-X-MEDIA-SEQUENCE:%d", first)
	// Present from the first playlist on, although nothing breaks: a player
	// that saw none could not be told of a break that has left the window.
	p.line("#EXT-X-DISCONTINUITY-SEQUENCE:0")
	p.line("#EXT-X-MAP:URI=%q", cmaf.InitName(t.Name))
}

// segments are complete ones, with their parts where those are listed.
func (p *playlist) segments(t *cmaf.TrackSnapshot, of []*cmaf.Segment) {
	for _, s := range of {
		p.dateTime(t, s)
		p.parts(t, s)
		p.segment(t, s)
	}
}

// dateTime is a segment's place on the wall clock (section 4.4.4.6). It stands
// before the parts, so that those of the open segment have theirs too.
func (p *playlist) dateTime(t *cmaf.TrackSnapshot, s *cmaf.Segment) {
	p.line("#EXT-X-PROGRAM-DATE-TIME:%s", dateTime(t.Clock.WallTime(t.Time(s.Start))))
}

// segment is one complete media segment (sections 4.4.4.1, 4.4.4.7).
func (p *playlist) segment(t *cmaf.TrackSnapshot, s *cmaf.Segment) {
	if s.Missing() {
		p.line("#EXT-X-GAP")
	}
	p.line("#EXTINF:%.5f,", t.Time(s.Duration).Seconds())
	p.line("%s", cmaf.SegmentName(t.Name, s.Number))
}
