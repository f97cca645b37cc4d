package timeline

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// readTrack reads a representation, by the template that it has or inherits.
func readTrack(bounds Period, template segmentTemplate, height uint16, r representation, base location) (Track, error) {
	if template.Media == "" {
		return Track{}, fmt.Errorf("%w: a representation without a template of its segments", ErrMPD)
	}
	t := Track{
		ID: r.ID, Bandwidth: int(r.Bandwidth),
		Height:    int(max(r.Height, height)),
		period:    bounds,
		addresses: addresses{base: base.url, template: template.Media, id: r.ID, bandwidth: r.Bandwidth},
		timescale: uint64(max(1, value(template.Timescale, 1))),
		origin:    value(template.Origin, 0),
		number:    value(template.Number, 1),
		last:      value(template.Last, 0),
		ticks:     value(template.Ticks, 0),
		early:     offset(base.early + float64(value(template.Early, 0))),
	}
	if t.origin > math.MaxInt64 || t.number > math.MaxInt64 {
		return t, fmt.Errorf("%w: presentation time offset %d, first number %d", ErrMPD, t.origin, t.number)
	}
	if template.Initialization != "" {
		t.Init = t.addresses.with(template.Initialization).segment(0, 0)
	}
	if template.Timeline != nil {
		t.ticks = 0
		return t, t.readRuns(template.Timeline)
	}
	if t.ticks == 0 {
		return t, fmt.Errorf("%w: segments without a length", ErrMPD)
	}
	return t, nil
}

// inherit gives a template what the ones above it say, attribute by attribute
// (section 5.3.9.1).
func inherit(above ...*segmentTemplate) segmentTemplate {
	var t segmentTemplate
	for _, a := range above {
		if a == nil {
			continue
		}
		t.Media = cmp.Or(a.Media, t.Media)
		t.Initialization = cmp.Or(a.Initialization, t.Initialization)
		replace(&t.Timescale, a.Timescale)
		replace(&t.Origin, a.Origin)
		replace(&t.Number, a.Number)
		replace(&t.Last, a.Last)
		replace(&t.Ticks, a.Ticks)
		replace(&t.Early, a.Early)
		replace(&t.Timeline, a.Timeline)
	}
	return t
}

func replace[T any](old **T, with *T) {
	if with != nil {
		*old = with
	}
}

// offset is an availability time offset, which may be infinite.
func offset(seconds float64) time.Duration {
	const most = float64(24 * time.Hour / time.Second)
	return time.Duration(min(seconds, most) * float64(time.Second))
}

// readRuns reads a timeline (section 5.3.9.6). A run that repeats for as long as
// it can ends where the next one starts, or never.
func (t *Track) readRuns(line *timeline) error {
	if len(line.Runs) > maxRuns {
		return fmt.Errorf("%w: a timeline of %d runs", ErrMPD, len(line.Runs))
	}
	at, number := uint64(0), t.number
	for i, s := range line.Runs {
		at = value(s.Start, at)
		if s.Ticks == 0 || s.Ticks > maxSegment*t.timescale || at > math.MaxInt64 {
			return fmt.Errorf("%w: a segment of %d ticks at %d", ErrMPD, s.Ticks, at)
		}
		r := run{start: at, ticks: s.Ticks, number: number, count: min(uint64(max(0, s.Repeat)), maxRepeat) + 1}
		if s.Repeat < 0 {
			r.count = maxRepeat
			if i+1 < len(line.Runs) && line.Runs[i+1].Start != nil {
				next := *line.Runs[i+1].Start
				r.count = min((next-min(at, next))/s.Ticks, maxRepeat)
			}
		}
		if r.ticks > (math.MaxInt64-at)/max(1, r.count) {
			return fmt.Errorf("%w: a run of %d segments of %d ticks at %d", ErrMPD, r.count, r.ticks, at)
		}
		t.runs = append(t.runs, r)
		at, number = at+r.count*r.ticks, number+r.count
	}
	return nil
}

// What no stream has: segments of more seconds than a day, and more of them than
// make a decade of one a second.
const (
	maxSegment = 86_400
	maxRepeat  = 1 << 28
)
