package origin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/media"
)

// cacheForever is for bytes whose name never means others: numbers are those of
// the stream clock.
const cacheForever = "public, max-age=31536000, immutable"

// maxWait is how long a request waits for media that a stream should make.
const maxWait = 3 * sluice.SegmentDuration

func serveMedia(w http.ResponseWriter, r *http.Request, p *cmaf.Presentation, t target) error {
	track := p.Track(t.rendition)
	if track == nil {
		return errNoRendition
	}
	if t.kind == initSegment {
		return serveInit(w, r, track)
	}
	found, err := await(r.Context(), track, t.number)
	if err != nil {
		return err
	}
	setMediaHeaders(w.Header(), track)
	if found.Complete {
		serveComplete(w, r, found)
		return nil
	}
	serveOpen(w, r, track, t.number)
	return nil
}

func serveInit(w http.ResponseWriter, r *http.Request, track *cmaf.Track) error {
	in := track.Snapshot().Init
	if in == nil {
		return errNotPlayable
	}
	setMediaHeaders(w.Header(), track)
	w.Header().Set("ETag", `"`+contentTag(in.Bytes)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(in.Bytes))
	return nil
}

// setMediaHeaders is for a track that has an init segment.
func setMediaHeaders(h http.Header, track *cmaf.Track) {
	h.Set("Content-Type", "video/mp4")
	if track.Snapshot().Init.Kind == media.Audio {
		h.Set("Content-Type", "audio/mp4")
	}
	h.Set("Cache-Control", cacheForever)
}

// await finds a segment, and waits for the next one to begin: a player whose
// clock is a little ahead, or that knows the stream clock better than the
// encoder keeps it, asks early.
func await(ctx context.Context, track *cmaf.Track, number uint64) (*cmaf.Segment, error) {
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	for {
		s := track.Snapshot()
		if found := s.Segment(number); found != nil && !found.Missing() {
			return found, nil
		}
		if err := absent(s, number); err != nil {
			return nil, err
		}
		select {
		case <-s.Changed():
		case <-timeout.C:
			return nil, errStalled
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// absent says why a segment is not there; nil when it is the next to come.
func absent(s *cmaf.TrackSnapshot, number uint64) error {
	first, ok := s.First()
	switch {
	case !ok || number < first:
		return errNoSegment
	case number < s.Segments[0].Number:
		return errSegmentGone
	case s.Ended || number != s.Last().Number+1:
		return errNoSegment
	default:
		return nil
	}
}

// serveComplete sends a whole segment, or the range that was asked for.
func serveComplete(w http.ResponseWriter, r *http.Request, s *cmaf.Segment) {
	h := w.Header()
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, s.Number, s.Size))
	if r.Method != http.MethodGet || isConditional(r.Header) {
		http.ServeContent(w, r, "", time.Time{}, newSegmentReader(s))
		return
	}
	h.Set("Content-Length", strconv.Itoa(s.Size))
	h.Set("Accept-Ranges", "bytes")
	for _, c := range s.Chunks {
		if _, err := w.Write(c.Bytes); err != nil {
			return // the viewer left
		}
	}
}

// isConditional reports whether the answer may be other than the whole.
func isConditional(h http.Header) bool {
	for _, name := range []string{"Range", "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// serveOpen sends the chunks of a segment as they come. What arrives whole is
// the segment and may be kept as such; an answer that cannot be finished is cut
// off, so that no cache takes it for one (RFC 9111, section 3.3).
func serveOpen(w http.ResponseWriter, r *http.Request, track *cmaf.Track, number uint64) {
	if r.Method == http.MethodHead {
		return
	}
	flusher := http.NewResponseController(w)
	stall := time.NewTimer(maxWait)
	defer stall.Stop()
	for sent := 0; ; {
		s := track.Snapshot()
		now := s.Segment(number)
		if now == nil {
			panic(http.ErrAbortHandler)
		}
		for _, c := range now.Chunks[sent:] {
			if _, err := w.Write(c.Bytes); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		if sent < len(now.Chunks) {
			sent = len(now.Chunks)
			_ = flusher.Flush() // its failure shows at the next write
			stall.Reset(maxWait)
		}
		if now.Complete {
			return
		}
		select {
		case <-s.Changed():
		case <-stall.C:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}
