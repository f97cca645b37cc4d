// Package playlist reads HLS playlists as a player does: tags it does not know
// are passed over. Clauses are those of draft-pantos-hls-rfc8216bis.
package playlist

import (
	"bytes"
	"errors"
	"iter"
	"time"
)

// ErrPlaylist is wrapped by every error about bytes that are no playlist.
var ErrPlaylist = errors.New("no playlist")

// Limits on what a playlist may hold: a day of segments of a second each, and
// the parts of ten minutes.
const (
	maxSegments = 100_000
	maxParts    = 10_000
)

// Multivariant is a multivariant playlist.
type Multivariant struct {
	Variants []Variant
	Audio    []Rendition
}

// Variant is a rendition of the video, or of everything (section 4.4.6.2).
type Variant struct {
	URI       string
	Name      string // a NAME attribute, which is nobody's standard
	Bandwidth int    // bits a second
	Height    int    // pixels; 0 where the playlist does not say
	Audio     string // group; empty when its sound is in it
}

// Rendition is one of a group of renditions of the sound (section 4.4.6.1).
type Rendition struct {
	Group   string
	URI     string // empty when it is in the variant
	Default bool
}

// Media is a media playlist.
type Media struct {
	Target       time.Duration // of segments
	PartTarget   time.Duration // 0 without parts
	HoldBack     time.Duration // 0 where the playlist does not say
	PartHoldBack time.Duration
	CanBlock     bool
	SkipUntil    time.Duration // 0: no delta updates
	First        uint64        // number of the first segment, skipped ones included
	Skipped      int           // segments that a delta update left out
	Segments     []Segment     // after the skipped ones
	Parts        []Part        // of the segment after the last one
	PartsAt      time.Time     // where they start on the wall clock; zero when unknown
	Map          Resource      // of Parts
	Hint         Resource      // the part to come; without a URI when there is none
	Ended        bool
}

// Segment is a media segment.
type Segment struct {
	Resource
	Duration time.Duration
	At       time.Time // its start on the wall clock; zero when unknown
	Map      Resource  // its init segment; without a URI when it has none
	Gap      bool      // is not there
	Parts    []Part    // while they are listed
}

// Part is a piece of a segment.
type Part struct {
	Resource
	Duration    time.Duration
	Independent bool // starts with a key frame
	Gap         bool
}

// Resource is what can be fetched: a file, or a range of one.
type Resource struct {
	URI    string
	Offset int64
	Length int64 // 0: to the end
}

// Next is the number of the segment after the last whole one.
func (m *Media) Next() uint64 { return m.First + uint64(m.Skipped+len(m.Segments)) }

// lines are those of a text, without what ends them and without empty ones
// (section 4.1).
func lines(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		text = bytes.TrimPrefix(text, byteOrderMark())
		for line := range bytes.Lines(text) {
			line = bytes.TrimRight(line, "\r\n \t")
			if len(line) > 0 && !yield(string(line)) {
				return
			}
		}
	}
}

// header checks how a playlist begins (section 4.4.1.1).
func header(text []byte) bool {
	text = bytes.TrimPrefix(text, byteOrderMark())
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.Equal(bytes.TrimRight(first, "\r \t"), []byte("#EXTM3U"))
}

// byteOrderMark may not come first, but does.
func byteOrderMark() []byte { return []byte("\ufeff") }

// Is reports whether a text is a playlist at all.
func Is(text []byte) bool { return header(text) }

// IsMedia reports whether a playlist is a media playlist, and not a multivariant
// one: only they have a target duration.
func IsMedia(text []byte) bool { return bytes.Contains(text, []byte("\n#EXT-X-TARGETDURATION:")) }
