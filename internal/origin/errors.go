package origin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/status"
)

var (
	errNoFile = sluice.Errorf(sluice.KindNotFound, "file_not_found",
		"there is no such file; a stream is at /streams/{id}/master.m3u8 and /streams/{id}/manifest.mpd")
	errNoRendition = sluice.Errorf(sluice.KindNotFound, "rendition_not_found",
		"the stream has no such rendition; its manifests name those it has")
	errNotPlayable = sluice.Errorf(sluice.KindNotFound, "stream_not_playable",
		"the stream has no media to play yet; ask again in a second")
	errNoSegment = sluice.Errorf(sluice.KindNotFound, "segment_not_found",
		"there is no such segment: nothing was made at that time, or it was lost")
	errNoChunk = sluice.Errorf(sluice.KindNotFound, "part_not_found",
		"there is no such part: its segment went on without it, or is had as a whole only")
	errSegmentAhead = sluice.Errorf(sluice.KindNotFound, "segment_not_made",
		"the segment is not made yet; ask for it when a manifest names it")
	errChunkAhead = sluice.Errorf(sluice.KindNotFound, "part_not_made",
		"the part is not made yet; ask for it when a playlist hints at it")
	errDirective = sluice.Errorf(sluice.KindMalformed, "directive_invalid",
		"_HLS_msn and _HLS_part have to be whole numbers")
	errPartWithoutSegment = sluice.Errorf(sluice.KindMalformed, "directive_invalid",
		"_HLS_part needs _HLS_msn: the number of the segment it is a part of")
	errTooFar = sluice.Errorf(sluice.KindMalformed, "directive_too_far",
		"that segment or part is too far ahead; load the playlist without _HLS_msn and go on from there")
	errSegmentGone = sluice.Errorf(sluice.KindGone, "segment_gone",
		"the segment has left the window; load the manifest again")
	errRemoved = sluice.Errorf(sluice.KindGone, "stream_removed",
		"the stream was deleted")
	errUnreadable = sluice.Errorf(sluice.KindUnavailable, "segment_unreadable",
		"the segment cannot be read from the disk at the moment; ask again in a second")
	errStalled = sluice.Errorf(sluice.KindUnavailable, "stream_stalled",
		"the stream makes no media at the moment; ask again in a second")
	errCut = sluice.Errorf(sluice.KindUnavailable, "request_cut",
		"the request ended before its answer; ask again in a second")
	errMethod = sluice.Errorf(sluice.KindMalformed, "method_not_allowed",
		"media can be read only: use GET or HEAD")
)

// envelope is the form of every JSON answer of this server.
type envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
	Error   string `json:"error"`
}

// cacheAbsent lets caches in front keep for a second that something is not there,
// so that a thousand viewers who ask for it are one request here. Viewers' own
// caches do not.
const cacheAbsent = "public, max-age=0, s-maxage=1"

// stays reports whether the next one who asks would be told the same: what can
// never come, and what was waited for in vain. What is only not there yet may be
// there now, and a viewer who asks ahead must not keep it from all others.
func stays(e *sluice.Error) bool {
	for _, lasting := range []error{errNoFile, errNoRendition, errNoSegment, errNoChunk, errStalled} {
		if errors.Is(e, lasting) {
			return true
		}
	}
	return e.Kind == sluice.KindGone
}

// faults limits the log to a line a second: what fails may do so for each viewer.
type faults struct {
	mu   sync.Mutex
	pace budget.Pace
}

// due reports whether to log a fault now, and how many were not.
func (f *faults) due(now time.Time) (unsaid int, due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pace.Due(now)
}

// fail answers with an error that a person can read.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, cause error) {
	e := sluice.AsError(cause)
	if r.Context().Err() != nil {
		e = errCut // the viewer left, or the server stops: no fault to log
	}
	code := status.Of(e.Kind)
	if errors.Is(e, errMethod) {
		code = http.StatusMethodNotAllowed
	}
	if code == http.StatusInternalServerError || errors.Is(e, errUnreadable) {
		if unsaid, due := s.faults.due(s.config.Now()); due {
			s.config.Log.Error("cannot deliver", "path", r.URL.EscapedPath(), "err", cause, "unsaid", unsaid)
		}
	}
	body, err := json.Marshal(envelope{Code: code, Message: e.Message, Error: e.Code})
	if err != nil {
		panic(err) // four plain fields
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	if stays(e) {
		h.Set("Cache-Control", cacheAbsent)
	}
	if after := status.RetryAfter(e, time.Second); after != "" {
		h.Set("Retry-After", after)
	}
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
