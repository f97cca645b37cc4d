// Package timeline reads out of an MPD which segments there are and when they
// can be had. Sections are those of ISO/IEC 23009-1. Times are media times:
// since the availability start time for a live presentation, since its start for
// another.
package timeline

import (
	"errors"
	"math"
	"time"
)

// ErrMPD is wrapped by every error about bytes that are no MPD, or one that has
// nothing this package can read: segments by template only.
var ErrMPD = errors.New("no MPD that can be played")

// Limits on what an MPD may hold.
const (
	maxRepresentations = 10_000
	maxRuns            = 100_000
)

// Presentation is what an MPD says.
type Presentation struct {
	Live   bool
	Start  time.Time     // availabilityStartTime; zero when it is not live
	Update time.Duration // how often to ask again; 0: never
	Window time.Duration // how far back it goes; 0: to the start
	Delay  time.Duration // that a player should keep from the live edge; 0 where it does not say
	Clocks []Clock       // by preference
	Next   string        // where the MPD is to be loaded from the next time; empty: from where it was

	Periods []Period
}

// Clock is a way to the time of the server (section 5.8.4.11).
type Clock struct {
	Scheme string
	Value  string
}

// Period is a stretch with the same tracks.
type Period struct {
	Start time.Duration
	End   time.Duration // Open where it is not known
	Video []Track
	Audio []Track
}

// Open is the end of what goes on.
const Open = time.Duration(math.MaxInt64)

// Track is a representation.
type Track struct {
	ID        string
	Height    int    // pixels; 0 for sound
	Bandwidth int    // bits a second
	Init      string // absolute; empty when it has none

	period    Period // start and end only
	addresses addresses
	timescale uint64
	origin    uint64 // presentation time offset, in ticks
	number    uint64 // of the first segment
	last      uint64 // number of the last segment; 0 when there is no such bound
	ticks     uint64 // of each segment; 0 with a timeline
	runs      []run
	early     time.Duration // availability time offset
}

// A run is segments of the same length (section 5.3.9.6).
type run struct {
	start  uint64 // ticks
	ticks  uint64 // of each
	number uint64 // of the first
	count  uint64
}

// Segment is one segment of a track.
type Segment struct {
	Number    uint64
	URL       string
	Start     time.Duration
	End       time.Duration
	Available time.Duration // when it, or its first chunk, can be had
	Origin    time.Duration // media time of decode time 0 in its boxes
}

// End is where the presentation ends, Open while that is not known.
func (p *Presentation) End() time.Duration { return p.Periods[len(p.Periods)-1].End }

// Period is the period that a media time lies in, or the next after it; false at
// the end.
func (p *Presentation) Period(at time.Duration) (Period, bool) {
	for _, period := range p.Periods {
		if at < period.End {
			return period, true
		}
	}
	return Period{}, false
}

// Segment is the segment that a media time lies in, or the next one after it;
// false where the MPD has none.
func (t *Track) Segment(at time.Duration) (Segment, bool) {
	ticks := t.ticksAt(max(at, t.period.Start))
	if t.ticks > 0 {
		n := (ticks - min(ticks, t.origin)) / t.ticks
		if n > math.MaxInt64/t.ticks { // a sum that no media reach
			return Segment{}, false
		}
		return t.segment(run{start: t.origin + n*t.ticks, ticks: t.ticks, number: t.number + n, count: 1}, 0)
	}
	for _, r := range t.runs {
		if ticks < r.start {
			return t.segment(r, 0)
		}
		if n := (ticks - r.start) / r.ticks; n < r.count {
			return t.segment(r, n)
		}
	}
	return Segment{}, false
}

// segment is the nth of a run.
func (t *Track) segment(r run, n uint64) (Segment, bool) {
	start := r.start + n*r.ticks
	s := Segment{
		Number: r.number + n,
		Start:  t.timeOf(start), End: t.timeOf(start + r.ticks),
		Origin: t.period.Start - t.duration(t.origin),
	}
	if s.Start >= t.period.End || t.last > 0 && s.Number > t.last {
		return Segment{}, false
	}
	s.Available = s.End - t.early
	s.URL = t.addresses.segment(s.Number, start)
	return s, true
}

// timeOf is the media time of a presentation time of the track.
func (t *Track) timeOf(ticks uint64) time.Duration {
	if ticks >= t.origin {
		return t.period.Start + t.duration(ticks-t.origin)
	}
	return t.period.Start - t.duration(t.origin-ticks)
}

// ticksAt is the presentation time of the track at a media time in its period.
// Half a tick more than a segment's start, by rounding, is that segment.
func (t *Track) ticksAt(at time.Duration) uint64 {
	since := at - t.period.Start
	whole := uint64(since/time.Second) * t.timescale
	part := (uint64(since%time.Second)*t.timescale + uint64(time.Second)/2) / uint64(time.Second)
	return t.origin + whole + part
}

// duration is the length of a number of ticks: at most a third of what a
// time.Duration can hold, so that sums of them are sound.
func (t *Track) duration(ticks uint64) time.Duration {
	const most = uint64(math.MaxInt64 / 3 / int64(time.Second))
	whole, rest := ticks/t.timescale, ticks%t.timescale
	return time.Duration(min(whole, most))*time.Second + time.Duration(rest*uint64(time.Second)/t.timescale)
}

// value is what a pointer points to, or what stands for it.
func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func (l *length) duration() time.Duration { return time.Duration(value(l, 0)) }
