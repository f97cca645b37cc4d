package origin

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dash"
	"github.com/sluicelive/sluice/internal/media"
)

// cacheMedia is for bytes whose name never means others: numbers are those of the
// stream clock. A day is the longest window. Longer would be of no use, and do
// harm: with a new database, streams are counted from 1 again.
const cacheMedia = "public, max-age=86400, immutable"

func serveMedia(l *Limits, w http.ResponseWriter, r *http.Request, p *cmaf.Presentation, t target) error {
	track := p.Track(t.rendition)
	if track == nil {
		return errNoRendition
	}
	if t.kind == initSegment {
		return serveInit(w, r, track)
	}
	if err := afterEnd(track.Snapshot(), t.at.Segment); err != nil {
		return err
	}
	if t.kind == chunk {
		return serveChunk(l, w, r, track, t.at)
	}
	return serveSegment(l, w, r, p, track, t.at.Segment)
}

// following is how many segments would begin while players of a live MPD have still
// to learn of the end.
const following = uint64(dash.EndNotice/sluice.SegmentDuration) + 1

// wouldFollow reports whether a path names a segment that would have followed the
// last one of a track that has ended.
func wouldFollow(p *cmaf.Presentation, t target) bool {
	track := p.Track(t.rendition)
	if t.kind != segment || track == nil {
		return false
	}
	s := track.Snapshot()
	last := s.Last()
	return s.Ended && !s.Removed && last != nil && t.at.Segment > last.Number && t.at.Segment-last.Number <= following
}

// serveNothing answers with an empty segment. Where a stream ends, players of a live
// MPD ask for the segment that would have been the next. Told that it is not there,
// they ask again, and Shaka Player, if it learns of the end while it is refused,
// gives up and never says that it came to the end.
func serveNothing(w http.ResponseWriter, track *cmaf.Track) {
	setMediaHeaders(w.Header(), track)
	w.Header().Set("Cache-Control", cacheLive)
	w.Header().Set("Content-Length", "0")
}

func serveSegment(l *Limits, w http.ResponseWriter, r *http.Request, p *cmaf.Presentation, track *cmaf.Track, number uint64) error {
	var found *cmaf.Segment
	err := wait(l, r, track, func(s *cmaf.TrackSnapshot) (done bool, err error) {
		found = s.Segment(number)
		if found != nil && !found.Missing() {
			return true, nil
		}
		return false, absent(s, number)
	})
	if err != nil {
		return err
	}
	if found.Shelved {
		return serveShelved(l, w, r, p.Shelf(), track, found)
	}
	setMediaHeaders(w.Header(), track)
	switch {
	case found.Complete:
		serveComplete(w, r, found)
	case !tellsItsEnd(r):
		return serveWhole(l, w, r, track, number)
	default:
		client := clientOf(r)
		if err := l.Waiting.Take(client); err != nil {
			return err
		}
		defer l.Waiting.Release(client)
		serveOpen(w, r, p.Shelf(), track, number)
	}
	return nil
}

// tellsItsEnd reports whether an answer of unknown length that is broken off can
// be told from one that is finished. In HTTP/1.0 both end with the connection (RFC
// 9112, section 6.3).
func tellsItsEnd(r *http.Request) bool { return r.ProtoAtLeast(1, 1) }

// serveWhole sends an open segment once it is complete, with its length.
func serveWhole(l *Limits, w http.ResponseWriter, r *http.Request, track *cmaf.Track, number uint64) error {
	var found *cmaf.Segment
	err := wait(l, r, track, func(s *cmaf.TrackSnapshot) (done bool, err error) {
		found = s.Segment(number)
		if found == nil || found.Missing() || found.Shelved {
			return false, errSegmentGone
		}
		return found.Complete, nil
	})
	if err != nil {
		return err
	}
	serveComplete(w, r, found)
	return nil
}

// serveChunk sends one chunk by itself. The one that playlists hint at is waited
// for, and sent at full speed once the whole of it is there (rfc8216bis, section
// 6.2.6).
func serveChunk(l *Limits, w http.ResponseWriter, r *http.Request, track *cmaf.Track, at cmaf.Position) error {
	var found cmaf.Chunk
	err := wait(l, r, track, func(s *cmaf.TrackSnapshot) (done bool, err error) {
		segment := s.Segment(at.Segment)
		if segment != nil && at.Chunk < len(segment.Chunks) {
			found = segment.Chunks[at.Chunk]
			return true, nil
		}
		switch {
		case s.Last() != nil && !s.Ended && at == s.Next():
			return false, nil
		case segment != nil && segment.Complete:
			return false, errNoChunk
		case segment != nil:
			return false, errChunkAhead
		default:
			return false, cmp.Or(absent(s, at.Segment), error(errChunkAhead))
		}
	})
	if err != nil {
		return err
	}
	h := w.Header()
	setMediaHeaders(h, track)
	h.Set("ETag", fmt.Sprintf(`"%x-%x-%x"`, at.Segment, at.Chunk, len(found.Bytes)))
	if r.Method != http.MethodGet || isConditional(r.Header) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.Bytes))
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(found.Bytes)))
	h.Set("Accept-Ranges", "bytes")
	_, _ = w.Write(found.Bytes) // fails only when the viewer has left
	return nil
}

func serveInit(w http.ResponseWriter, r *http.Request, track *cmaf.Track) error {
	now := track.Snapshot()
	in := now.Init
	switch {
	case now.Removed:
		return errRemoved
	case in == nil:
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
	h.Set("Cache-Control", cacheMedia)
}

// absent says why a segment is not there; nil when it is the next to come: a
// player whose clock is a little ahead, or that knows the stream clock better
// than the encoder keeps it, asks early.
func absent(s *cmaf.TrackSnapshot, number uint64) error {
	err := reasonAbsent(s, number)
	if err != nil && isFar(s, number) {
		return slow{err}
	}
	return err
}

func reasonAbsent(s *cmaf.TrackSnapshot, number uint64) error {
	first, ok := s.First()
	switch {
	case !ok:
		return errSegmentAhead
	case number < first:
		return errNoSegment
	case number < s.Oldest():
		return errSegmentGone
	case s.Ended || number <= s.Last().Number: // or a hole
		return errNoSegment
	case number > s.Last().Number+1:
		return errSegmentAhead
	default:
		return nil
	}
}

// serveComplete sends a whole segment, or the range that was asked for.
func serveComplete(w http.ResponseWriter, r *http.Request, s *cmaf.Segment) {
	h := w.Header()
	h.Set("ETag", segmentTag(s))
	if r.Method != http.MethodGet || isConditional(r.Header) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.Bytes))
		return
	}
	h.Set("Content-Length", strconv.Itoa(s.Size))
	h.Set("Accept-Ranges", "bytes")
	_, _ = w.Write(s.Bytes) // fails only when the viewer has left
}

// serveShelved sends a segment that has left memory, a piece at a time.
func serveShelved(l *Limits, w http.ResponseWriter, r *http.Request, shelf cmaf.Shelf, track *cmaf.Track, s *cmaf.Segment) error {
	client := clientOf(r)
	if err := l.Files.Take(client); err != nil {
		return err
	}
	defer l.Files.Release(client)
	f, err := shelf.Open(track.Name(), s.Number)
	if errors.Is(err, fs.ErrNotExist) {
		return errSegmentGone // a moment ago
	}
	if err != nil {
		return errUnreadable.Wrap(err)
	}
	defer func() { _ = f.Close() }() // read only
	setMediaHeaders(w.Header(), track)
	w.Header().Set("ETag", segmentTag(s))
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

// segmentTag is the same wherever the segment's bytes are.
func segmentTag(s *cmaf.Segment) string { return fmt.Sprintf(`"%x-%x"`, s.Number, s.Size) }

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
func serveOpen(w http.ResponseWriter, r *http.Request, shelf cmaf.Shelf, track *cmaf.Track, number uint64) {
	if r.Method == http.MethodHead {
		w.Header().Set("Cache-Control", "no-store") // what follows may yet break off
		return
	}
	flusher := http.NewResponseController(w)
	stall := time.NewTimer(maxWait)
	defer stall.Stop()
	var size int64
	for sent := 0; ; {
		s := track.Snapshot()
		now := s.Segment(number)
		switch {
		case now != nil && now.Shelved: // while the viewer took a chunk
			sendRest(w, shelf, track, number, size)
			return
		case now == nil || now.Missing():
			panic(http.ErrAbortHandler)
		}
		for _, c := range now.Chunks[sent:] {
			n, err := w.Write(c.Bytes)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			size += int64(n)
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

// sendRest sends what follows the first bytes of a segment that left memory while
// they were sent.
func sendRest(w http.ResponseWriter, shelf cmaf.Shelf, track *cmaf.Track, number uint64, sent int64) {
	f, err := shelf.Open(track.Name(), number)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = f.Close() }() // read only
	if _, err := f.Seek(sent, io.SeekStart); err != nil {
		panic(http.ErrAbortHandler)
	}
	if _, err := io.Copy(w, f); err != nil {
		panic(http.ErrAbortHandler)
	}
}
