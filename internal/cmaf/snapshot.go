package cmaf

import (
	"slices"
	"time"

	"github.com/sluicelive/sluice"
)

// TrackSnapshot is a track at one moment. It is immutable and shared by all
// its readers.
type TrackSnapshot struct {
	Name     string
	Clock    sluice.Clock
	Chunk    sluice.ChunkLength
	Init     *Init      // nil until the first encoder run's header is in
	Shelved  []*Segment // whose bytes are on the shelf; oldest first
	Segments []*Segment // the ones after them, without a hole in their numbers; the last may be open, and after Unload few have bytes
	Ended    bool       // nothing will follow
	Removed  bool       // off the air: what there was is not to be sent any more

	Peak    int // of any complete segment ever, bits a second
	Average int // of all complete segments ever, bits a second

	Memo // what readers render from it

	// Settled is what readers render from the complete segments alone. Snapshots
	// share it as long as those are the same.
	Settled *Memo

	first      uint64 // number of the first segment ever
	stretches  []Stretch
	advertised int // segments that manifests list
	changed    chan struct{}
}

// Changed is closed when a newer snapshot of the track exists. An ended track
// never changes again.
func (s *TrackSnapshot) Changed() <-chan struct{} { return s.changed }

// First is the number of the track's first segment ever, whether or not the
// window still holds it; false before there is one.
func (s *TrackSnapshot) First() (uint64, bool) { return s.first, s.oldest() != nil }

// oldest is the oldest segment that is held, nil when there is none.
func (s *TrackSnapshot) oldest() *Segment {
	switch {
	case len(s.Shelved) > 0:
		return s.Shelved[0]
	case len(s.Segments) > 0:
		return s.Segments[0]
	default:
		return nil
	}
}

// Oldest is the number of the oldest segment that is held; the track has one.
func (s *TrackSnapshot) Oldest() uint64 { return s.oldest().Number }

// Last is the newest segment, open or complete; nil before there is one.
func (s *TrackSnapshot) Last() *Segment {
	switch {
	case len(s.Segments) > 0:
		return s.Segments[len(s.Segments)-1]
	case len(s.Shelved) > 0:
		return s.Shelved[len(s.Shelved)-1]
	default:
		return nil
	}
}

// Segment finds a segment by number; nil when the window does not hold it.
func (s *TrackSnapshot) Segment(number uint64) *Segment {
	oldest := s.oldest()
	if oldest == nil || number < oldest.Number || number > s.Last().Number {
		return nil
	}
	at := int(number - oldest.Number)
	if at < len(s.Shelved) {
		return s.Shelved[at]
	}
	return s.Segments[at-len(s.Shelved)]
}

// Complete are all complete segments in memory, oldest first, and after Unload
// those that were.
func (s *TrackSnapshot) Complete() []*Segment {
	if n := len(s.Segments); n > 0 && !s.Segments[n-1].Complete {
		return s.Segments[:n-1]
	}
	return s.Segments
}

// newestComplete is the newest complete segment, nil when there is none.
func (s *TrackSnapshot) newestComplete() *Segment {
	if complete := s.Complete(); len(complete) > 0 {
		return complete[len(complete)-1]
	}
	if n := len(s.Shelved); n > 0 {
		return s.Shelved[n-1]
	}
	return nil
}

// Window are the complete segments that manifests advertise, oldest first: the
// newest of those held. Older ones wait for viewers who still ask.
func (s *TrackSnapshot) Window() []*Segment {
	complete := s.Complete()
	if over := len(complete) - s.advertised; over >= 0 {
		return complete[over:]
	}
	shelved := s.Shelved[max(0, len(s.Shelved)+len(complete)-s.advertised):]
	if len(shelved) == 0 {
		return complete
	}
	return Once(s.Settled, "window", func() []*Segment { return slices.Concat(shelved, complete) })
}

// Position is the place of a chunk: a segment, and the chunk's index in it,
// counted from 0.
type Position struct {
	Segment uint64
	Chunk   int
}

// Next is where the next chunk will be: the first one of the next segment once
// the newest is complete. The track has a segment.
func (s *TrackSnapshot) Next() Position {
	last := s.Last()
	if last.Complete {
		return Position{Segment: last.Number + 1}
	}
	return Position{Segment: last.Number, Chunk: len(last.Chunks)}
}

// Reached reports whether the chunk at a position is there. A position past the
// end of its segment means the first chunk of the next one.
func (s *TrackSnapshot) Reached(at Position) bool {
	last := s.Last()
	switch {
	case last == nil || last.Number < at.Segment:
		return false
	case last.Number > at.Segment:
		return true
	default:
		return len(last.Chunks) > at.Chunk
	}
}

// ReachedEnd reports whether a segment is complete.
func (s *TrackSnapshot) ReachedEnd(number uint64) bool {
	last := s.Last()
	return last != nil && (last.Number > number || last.Number == number && last.Complete)
}

// Time is the media time, or the length, of a number of the track's ticks.
func (s *TrackSnapshot) Time(ticks uint64) time.Duration {
	return ticksToDuration(ticks, s.Init.Timescale)
}

// MediaEnd is the media time up to which the track is published.
func (s *TrackSnapshot) MediaEnd() time.Duration {
	if last := s.Last(); last != nil {
		return s.Time(last.End())
	}
	return 0
}

// Snapshot is all tracks of a presentation at about one moment. It is
// immutable, and the same one is returned until a track changes.
type Snapshot struct {
	Clock  sluice.Clock
	Ladder sluice.Ladder
	Chunk  sluice.ChunkLength
	Window time.Duration    // what manifests advertise
	Video  []*TrackSnapshot // in the ladder's order
	Audio  *TrackSnapshot

	Memo // what readers render from it
}

// Tracks are the video tracks in the ladder's order, then audio.
func (s *Snapshot) Tracks() []*TrackSnapshot {
	return append(s.Video[:len(s.Video):len(s.Video)], s.Audio)
}

// Others are all tracks but the one of a name.
func (s *Snapshot) Others(name string) []*TrackSnapshot {
	return slices.DeleteFunc(s.Tracks(), func(t *TrackSnapshot) bool { return t.Name == name })
}

// Ended reports whether nothing will follow on any track.
func (s *Snapshot) Ended() bool {
	for _, t := range s.Tracks() {
		if !t.Ended {
			return false
		}
	}
	return true
}

// First is the number of the first segment that all tracks had ever, which never
// changes once the snapshot is playable.
func (s *Snapshot) First() uint64 {
	var first uint64
	for _, t := range s.Tracks() {
		first = max(first, t.first)
	}
	return first
}

// Playable reports whether all tracks hold a complete segment of one number.
func (s *Snapshot) Playable() bool { return s.lagging() == nil }

// lagging is the track that a player would have to wait for; nil when none.
func (s *Snapshot) lagging() *TrackSnapshot {
	var newestFirst uint64
	var slowest *TrackSnapshot
	for _, t := range s.Tracks() {
		if t.newestComplete() == nil {
			return t
		}
		newestFirst = max(newestFirst, t.Oldest())
		if slowest == nil || t.newestComplete().Number < slowest.newestComplete().Number {
			slowest = t
		}
	}
	if slowest.newestComplete().Number >= newestFirst {
		return nil
	}
	return slowest
}

// MediaEnd is the media time up to which all tracks are published.
func (s *Snapshot) MediaEnd() time.Duration {
	end := s.Audio.MediaEnd()
	for _, t := range s.Video {
		end = min(end, t.MediaEnd())
	}
	return end
}
