package cmaf

import (
	"math"
	"slices"
)

// Stretch is segment numbers without a hole, from First to Last.
type Stretch struct{ First, Last uint64 }

// Ongoing is the Last of a stretch that segments are still added to.
const Ongoing = math.MaxUint64

// resume ends the newest stretch with a segment and begins one at another, if
// numbers lie between them. Stretches that segments are no longer held of are
// forgotten, but for the newest.
func resume(stretches []Stretch, last, next, oldest uint64) []Stretch {
	if len(stretches) == 0 {
		return []Stretch{{First: next, Last: Ongoing}}
	}
	if next == last+1 {
		return stretches
	}
	ended := slices.Clone(stretches)
	ended[len(ended)-1].Last = last
	ended = slices.DeleteFunc(ended, func(s Stretch) bool { return s.Last < oldest })
	return append(ended, Stretch{First: next, Last: Ongoing})
}

// common is the numbers that lie in a stretch of both.
func common(a, b []Stretch) []Stretch {
	var both []Stretch
	for len(a) > 0 && len(b) > 0 {
		s := Stretch{First: max(a[0].First, b[0].First), Last: min(a[0].Last, b[0].Last)}
		if s.First <= s.Last {
			both = append(both, s)
		}
		if a[0].Last < b[0].Last {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// Stretches are the numbers that all tracks have segments of, oldest first:
// those that reach into the window, and the newest.
func (s *Snapshot) Stretches() []Stretch {
	both := s.Audio.stretches
	for _, t := range s.Video {
		both = common(both, t.stretches)
	}
	return both
}
