package hls

import (
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/media"
)

// AdvanceLimit is how many parts beyond the last one a client may ask to wait
// for: three seconds of them (section 6.2.5.2).
func AdvanceLimit(c sluice.ChunkLength) int {
	return int((3*time.Second + c.Duration() - 1) / c.Duration())
}

// skipUntil is how far from the end of a playlist a delta update may begin to
// leave segments out: six target durations at least (section 4.4.3.8).
const skipUntil = 6 * TargetDuration

// lowLatency is what clients need to know beforehand (sections 4.4.3.7,
// 4.4.3.8). None of it changes in the life of a stream.
func (p *playlist) lowLatency(t *cmaf.TrackSnapshot) {
	// One for all renditions, of the longest part in any. Twice the part target
	// is the least that is allowed, three times what Apple's players demand.
	holdBack := 3 * max(cmaf.LongestChunk(media.Video, t.Chunk), cmaf.LongestChunk(media.Audio, t.Chunk))
	p.line("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=%.1f,HOLD-BACK=%.1f,PART-HOLD-BACK=%.3f",
		skipUntil.Seconds(), (3 * TargetDuration).Seconds(), holdBack.Seconds())
	// Never below a part: one of 0.501 s under a target of 0.5 s makes Apple's
	// players drop the stream.
	p.line("#EXT-X-PART-INF:PART-TARGET=%.3f", cmaf.LongestChunk(t.Init.Kind, t.Chunk).Seconds())
}

// parts are a segment's parts, while it is near enough to the end for anybody
// to play them (section 4.4.4.9). A part of sound can always be started with.
func (p *playlist) parts(t *cmaf.TrackSnapshot, s *cmaf.Segment) {
	if t.Ended || s.Number+partsListed <= t.Next().Segment {
		return
	}
	for i, c := range s.Chunks {
		p.line("#EXT-X-PART:DURATION=%.5f,URI=%q%s",
			t.Time(c.Duration).Seconds(), cmaf.ChunkName(t.Name, cmaf.Position{Segment: s.Number, Chunk: i}), independent(c))
	}
}

func independent(c cmaf.Chunk) string {
	if c.Independent {
		return ",INDEPENDENT=YES"
	}
	return ""
}

// hint names the part to come, for which a request may wait (section 4.4.5.3).
func (p *playlist) hint(t *cmaf.TrackSnapshot) {
	p.line("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=%q", cmaf.ChunkName(t.Name, t.Next()))
}

// reports are where the other renditions are, for players that change to one
// (section 4.4.5.4).
func (p *playlist) reports(others []*cmaf.TrackSnapshot) {
	for _, t := range others {
		if last := t.Last(); last != nil && len(last.Chunks) > 0 {
			p.line("#EXT-X-RENDITION-REPORT:URI=%q,LAST-MSN=%d,LAST-PART=%d", MediaName(t.Name), last.Number, len(last.Chunks)-1)
		}
	}
}

// skippable is how many segments of the window lie before the skip boundary
// (section 4.4.5.2).
func skippable(t *cmaf.TrackSnapshot, window []*cmaf.Segment) int {
	boundary := t.MediaEnd() - skipUntil
	n := len(window)
	for n > 0 && t.Time(window[n-1].End()) > boundary {
		n--
	}
	return n
}
