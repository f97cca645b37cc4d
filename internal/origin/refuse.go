package origin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// A player that miscounts asks for numbers that no manifest leads to, and for the
// next one as soon as it is refused: FFmpeg's DASH demuxer, which never learns of
// a stream's end, nor that it was deleted, sent 8,000 requests a second. What is
// asked for by mistake is refused slowly, which costs a timer and makes such a
// player harmless.

const (
	// refusal is how long such a request waits.
	refusal = time.Second
	// nearby is how many segments next to those that exist a player may ask for
	// by a clock that is off, or by a manifest that is a little old. It learns at
	// once that they are not there.
	nearby = 4
)

// slow is an error that is told after a while.
type slow struct{ error }

// Unwrap lets errors.As reach what is told.
func (s slow) Unwrap() error { return s.error }

// refuse waits before an answer to what is asked for by mistake, as far as the
// budget of those who wait allows.
func refuse(l *Limits, r *http.Request, cause error) {
	if !errors.As(cause, &slow{}) {
		return
	}
	client := clientOf(r)
	if l.Waiting.Take(client) != nil {
		return
	}
	defer l.Waiting.Release(client)
	due := time.NewTimer(refusal)
	defer due.Stop()
	select {
	case <-due.C:
	case <-r.Context().Done():
	}
}

// isFar reports whether a number is beyond what a player may ask for by chance.
func isFar(s *cmaf.TrackSnapshot, number uint64) bool {
	last := s.Last()
	if last == nil {
		return false
	}
	return number > last.Number && number-last.Number > nearby || number < s.Oldest() && s.Oldest()-number > nearby
}

// afterEnd is the answer to a request for a segment after the last, made after the
// end: nil for others. It is slow however near the segment is: FFmpeg asks for the
// one that would be made now, again and again. A request that was made before the
// end, and waits, is answered at once.
func afterEnd(s *cmaf.TrackSnapshot, number uint64) error {
	if last := s.Last(); s.Ended && last != nil && number > last.Number {
		return slow{errNoSegment}
	}
	return nil
}

// namesMedia reports whether a path has the form of a segment's or a chunk's.
func namesMedia(path string) bool {
	file := path[strings.LastIndexByte(path, '/')+1:]
	return strings.HasSuffix(file, ".m4s") && (strings.HasPrefix(file, "chunk-stream") || strings.HasPrefix(file, "part-stream"))
}
