package origin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/hls"
)

// directives are what a player asks of a media playlist besides its being the
// newest (rfc8216bis, section 6.2.5). Other parameters are the viewer's own.
type directives struct {
	blocks  bool
	segment uint64
	chunk   int
	whole   bool // the segment has to be complete: no part was named
	delta   bool
}

// parseDirectives reads a query.
func parseDirectives(rawQuery string) (directives, error) {
	if rawQuery == "" {
		return directives{}, nil
	}
	query, err := directivesIn(rawQuery)
	if err != nil {
		return directives{}, err
	}
	d := directives{delta: query.Get("_HLS_skip") == "YES" || query.Get("_HLS_skip") == "v2"}
	msn, part := query.Get("_HLS_msn"), query.Get("_HLS_part")
	if msn == "" {
		if part != "" {
			return d, errPartWithoutSegment
		}
		return d, nil
	}
	d.blocks, d.whole = true, part == ""
	if d.segment, err = strconv.ParseUint(msn, 10, 63); err != nil {
		return d, errDirective
	}
	if part != "" {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return d, errDirective
		}
		d.chunk = int(n)
	}
	return d, nil
}

// directivesIn are the parameters of a query that are directives. What else it
// holds is the viewer's own, however it is written.
func directivesIn(rawQuery string) (url.Values, error) {
	found := url.Values{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		escapedName, escapedValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(escapedName)
		if err != nil || !strings.HasPrefix(name, "_HLS_") {
			continue
		}
		value, err := url.QueryUnescape(escapedValue)
		if err != nil {
			return nil, errDirective
		}
		found.Add(name, value)
	}
	return found, nil
}

// awaitReload waits until the playlist holds what the directives name. After
// the end of a stream they count no more: whoever waits gets the last playlist.
func awaitReload(l *Limits, r *http.Request, track *cmaf.Track, d directives) error {
	if !d.blocks {
		return nil
	}
	if s := track.Snapshot(); !s.Ended && tooFar(s, d) {
		return errTooFar
	}
	return wait(l, r, track, func(s *cmaf.TrackSnapshot) (bool, error) { return s.Ended || d.met(s), nil })
}

func (d directives) met(s *cmaf.TrackSnapshot) bool {
	if d.whole {
		return s.ReachedEnd(d.segment)
	}
	return s.Reached(cmaf.Position{Segment: d.segment, Chunk: d.chunk})
}

// tooFar reports whether the directives name what no player can know of yet:
// more than two segments after the last one, or more parts after the last part
// than the advance limit.
func tooFar(s *cmaf.TrackSnapshot, d directives) bool {
	complete := s.Complete()
	if len(complete) == 0 || d.segment > complete[len(complete)-1].Number+2 {
		return true
	}
	next := s.Next()
	if d.whole || d.segment < next.Segment {
		return false
	}
	ahead := int(d.segment-next.Segment)*s.Chunk.PerSegment() + d.chunk - next.Chunk // next is the last plus one
	return ahead >= hls.AdvanceLimit(s.Chunk)
}
