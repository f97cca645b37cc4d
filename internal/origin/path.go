package origin

import (
	"strconv"
	"strings"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dash"
	"github.com/sluicelive/sluice/internal/hls"
)

// kind is what a path names.
type kind int

const (
	multivariantPlaylist kind = iota
	mediaPlaylist
	mpd
	initSegment
	segment
	chunk
)

// target is a parsed path.
type target struct {
	stream    sluice.StreamID
	kind      kind
	rendition string        // of all but multivariantPlaylist and mpd
	at        cmaf.Position // of chunk; of segment without the chunk's index
}

// maxRendition is longer than any rendition's name.
const maxRendition = 16

// parsePath reads /streams/{id}/{file}. It takes the path as it was sent, still
// escaped, and knows no name with a character that could be: whatever is odd
// about a path, it names nothing.
func parsePath(path string) (t target, ok bool) {
	rest, ok := strings.CutPrefix(path, "/streams/")
	if !ok {
		return target{}, false
	}
	id, file, ok := strings.Cut(rest, "/")
	if !ok {
		return target{}, false
	}
	number, ok := parseNumber(id, 63)
	if !ok || number == 0 {
		return target{}, false
	}
	t, ok = parseFile(file)
	t.stream = sluice.StreamID(number)
	return t, ok
}

// parseFile reads the last part of the path.
func parseFile(file string) (t target, ok bool) {
	switch file {
	case hls.MultivariantName:
		return target{kind: multivariantPlaylist}, true
	case dash.Name:
		return target{kind: mpd}, true
	}
	if name, ok := between(file, "stream", ".m3u8"); ok {
		return target{kind: mediaPlaylist, rendition: name}, isRendition(name)
	}
	if name, ok := between(file, "init-stream", ".mp4"); ok {
		return target{kind: initSegment, rendition: name}, isRendition(name)
	}
	if name, ok := between(file, "chunk-stream", ".m4s"); ok {
		name, digits, _ := strings.Cut(name, "-")
		number, ok := parseNumber(digits, 64)
		return target{kind: segment, rendition: name, at: cmaf.Position{Segment: number}}, ok && isRendition(name)
	}
	if name, ok := between(file, "part-stream", ".m4s"); ok {
		return parseChunk(name)
	}
	return target{}, false
}

// parseChunk reads the rendition, the segment and the index of a chunk.
func parseChunk(name string) (t target, ok bool) {
	rendition, numbers, _ := strings.Cut(name, "-")
	segment, index, _ := strings.Cut(numbers, "-")
	number, okNumber := parseNumber(segment, 64)
	part, okPart := parseNumber(index, 31)
	return target{kind: chunk, rendition: rendition, at: cmaf.Position{Segment: number, Chunk: int(part)}},
		okNumber && okPart && isRendition(rendition)
}

func between(s, prefix, suffix string) (string, bool) {
	s, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(s, suffix)
}

func isRendition(name string) bool {
	if name == "" || len(name) > maxRendition {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// parseNumber reads a number in the one way it is written: a second spelling
// would be a second address of the same bytes in every cache.
func parseNumber(s string, bits int) (uint64, bool) {
	n, err := strconv.ParseUint(s, 10, bits)
	return n, err == nil && strconv.FormatUint(n, 10) == s
}
