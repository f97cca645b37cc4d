package playlist

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseMedia reads a media playlist. Its addresses stay as they are written.
func ParseMedia(text []byte) (*Media, error) {
	if !header(text) {
		return nil, fmt.Errorf("%w: it does not begin with #EXTM3U", ErrPlaylist)
	}
	var r reader
	for line := range lines(text) {
		if err := r.line(line); err != nil {
			return nil, err
		}
	}
	if r.media.Target == 0 {
		return nil, fmt.Errorf("%w: it has no target duration", ErrPlaylist)
	}
	r.media.Parts, r.media.PartsAt, r.media.Map = r.segment.Parts, r.segment.At, r.segment.Map
	r.backdate()
	return &r.media, nil
}

// reader is a media playlist that is being read.
type reader struct {
	media   Media
	segment Segment  // that is to come
	ranged  string   // the byte range of it, as written
	before  Resource // the segment before it
	part    Resource // the part before the next one
	parts   int
}

func (r *reader) line(line string) error {
	if !strings.HasPrefix(line, "#") {
		return r.address(line)
	}
	if !strings.HasPrefix(line, "#EXT") {
		return nil // a comment
	}
	tag, value, _ := strings.Cut(line, ":")
	switch tag {
	case "#EXTINF":
		number, _, _ := strings.Cut(value, ",")
		r.segment.Duration = seconds(number)
	case "#EXT-X-PART":
		return r.addPart(attributes(value))
	case "#EXT-X-PROGRAM-DATE-TIME":
		r.segment.At = dateTime(value)
	case "#EXT-X-BYTERANGE":
		r.ranged = value
	case "#EXT-X-GAP":
		r.segment.Gap = true
	case "#EXT-X-MAP":
		list := attributes(value)
		r.segment.Map = byteRange(list.get("BYTERANGE"), list.get("URI"), Resource{})
	default:
		return r.whole(tag, value)
	}
	return nil
}

// whole reads a tag that is about the whole playlist.
func (r *reader) whole(tag, value string) error {
	m, list := &r.media, attributes(value)
	switch tag {
	case "#EXT-X-TARGETDURATION":
		m.Target = seconds(value)
	case "#EXT-X-MEDIA-SEQUENCE":
		first, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return fmt.Errorf("%w: media sequence %.20q", ErrPlaylist, value)
		}
		m.First = first
	case "#EXT-X-SERVER-CONTROL":
		m.CanBlock = list.yes("CAN-BLOCK-RELOAD")
		m.HoldBack, m.PartHoldBack = list.seconds("HOLD-BACK"), list.seconds("PART-HOLD-BACK")
		m.SkipUntil = list.seconds("CAN-SKIP-UNTIL")
	case "#EXT-X-PART-INF":
		m.PartTarget = list.seconds("PART-TARGET")
	case "#EXT-X-SKIP":
		if m.Skipped = list.integer("SKIPPED-SEGMENTS"); m.Skipped > maxSegments {
			return fmt.Errorf("%w: %d segments skipped", ErrPlaylist, m.Skipped)
		}
	case "#EXT-X-PRELOAD-HINT":
		// Of a range whose end is not known nobody could tell the part from what
		// follows it: such a hint is none.
		if length := list.bytes("BYTERANGE-LENGTH"); list.get("TYPE") == "PART" && (length > 0 || list.get("BYTERANGE-START") == "") {
			m.Hint = Resource{URI: list.get("URI"), Offset: list.bytes("BYTERANGE-START"), Length: length}
		}
	case "#EXT-X-ENDLIST":
		m.Ended = true
	}
	return nil
}

func (r *reader) addPart(list attributes) error {
	if r.parts++; r.parts > maxParts {
		return fmt.Errorf("%w: more than %d parts", ErrPlaylist, maxParts)
	}
	p := Part{Duration: list.seconds("DURATION"), Independent: list.yes("INDEPENDENT"), Gap: list.yes("GAP")}
	p.Resource = byteRange(list.get("BYTERANGE"), list.get("URI"), r.part)
	r.part = p.Resource
	r.segment.Parts = append(r.segment.Parts, p)
	return nil
}

// address ends a segment. What the next one starts with follows from it.
func (r *reader) address(uri string) error {
	if len(r.media.Segments) >= maxSegments {
		return fmt.Errorf("%w: more than %d segments", ErrPlaylist, maxSegments)
	}
	s := r.segment
	s.Resource = byteRange(r.ranged, uri, r.before)
	r.media.Segments = append(r.media.Segments, s)
	r.before, r.ranged = s.Resource, ""
	r.segment = Segment{Map: s.Map}
	if !s.At.IsZero() {
		r.segment.At = s.At.Add(s.Duration)
	}
	return nil
}

// backdate places the segments before the first that says when it is (section
// 4.4.4.6).
func (r *reader) backdate() {
	at := r.media.PartsAt
	for i := len(r.media.Segments) - 1; i >= 0; i-- {
		s := &r.media.Segments[i]
		if s.At.IsZero() && !at.IsZero() {
			s.At = at.Add(-s.Duration)
		}
		at = s.At
	}
}

// dateTime reads an ISO 8601 time; zero for what is none. Packagers write the
// zone without a colon, too.
func dateTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
