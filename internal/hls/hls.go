// Package hls writes HLS playlists of a packager's snapshot, with what low
// latency takes. A playlist is a function of snapshots alone: the same ones give
// the same text on every server. Clauses are those of
// draft-pantos-hls-rfc8216bis. What is a chunk elsewhere is a part here.
package hls

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluicelive/sluice"
)

// version is what EXT-X-SKIP needs (section 8).
const version = 9

// MultivariantName is the file name of the multivariant playlist.
const MultivariantName = "master.m3u8"

// MediaName is the file name of a rendition's media playlist.
func MediaName(rendition string) string { return "stream" + rendition + ".m3u8" }

// playlist gathers the lines of one.
type playlist struct{ strings.Builder }

// line writes one line.
func (p *playlist) line(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) }

// header opens either kind of playlist (section 4.4.1).
func (p *playlist) header() {
	p.line("#EXTM3U")
	p.line("#EXT-X-VERSION:%d", version)
	// Every segment starts with a key frame: the packager takes no other.
	p.line("#EXT-X-INDEPENDENT-SEGMENTS")
}

// TargetDuration never changes in the life of a stream (section 6.2.1). Audio
// segments are up to one frame longer, and round to it.
const TargetDuration = sluice.SegmentDuration

// dateTime is RFC 3339 with milliseconds, in UTC.
func dateTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
