package cmaf

import (
	"fmt"

	"github.com/sluicelive/sluice/internal/media"
)

// run is one encoder run on its way into a track.
type run struct {
	track   *Track
	started bool // its first sync sample was taken
}

// take adds the samples of one fragment.
func (r *run) take(samples []sample) error {
	t := r.track
	t.mu.Lock()
	defer t.mu.Unlock()
	switch now := t.Snapshot(); {
	case now.Removed:
		return nil // the run ends soon, too, and this is no fault of its
	case now.Ended:
		return ErrTrackEnded
	}
	for _, s := range samples {
		if !r.started && !r.start(s) {
			continue
		}
		if err := t.add(s); err != nil {
			return err
		}
	}
	return nil
}

// start reports whether the run begins with this sample. What the run before
// left unpublished gives way to it.
func (r *run) start(s sample) bool {
	t := r.track
	last := t.window.last()
	if !s.sync || last != nil && s.start < last.End() {
		return false
	}
	t.chunk.truncate(s.start)
	r.started = true
	t.joined = s.start
	return true
}

// add puts a sample into the open chunk, and closes the chunk as soon as the
// sample reaches its boundary.
func (t *Track) add(s sample) error {
	s, moved := t.place(s)
	s, err := t.check(s)
	if err != nil {
		return err
	}
	if t.isHole(s) {
		if err := t.closeBeforeHole(); err != nil {
			return err
		}
	}
	if t.chunk.empty() && t.isTaken(s.start) {
		return nil
	}
	t.chunk.add(s)
	if s.end() < t.window.grid.chunkEnd(s.start) {
		return nil
	}
	if t.kind == media.Audio {
		t.makeGood(moved)
	}
	return t.closeChunk()
}

// isHole reports whether what is missing before a sample ends the open chunk.
// Pictures that are missing inside a chunk only let the one before stand longer.
func (t *Track) isHole(s sample) bool {
	if t.chunk.empty() {
		return false
	}
	grid := t.window.grid
	return grid.index(s.start) != grid.index(t.chunk.start) || t.kind == media.Audio && s.start > t.chunk.end
}

// closeBeforeHole closes the open chunk. Its last picture stands up to the
// boundary: a part of pictures that is none of its segment's last has to fill
// its target (rfc8216bis, section 4.4.4.9).
func (t *Track) closeBeforeHole() error {
	if t.kind == media.Video {
		t.chunk.stretch(t.window.grid.chunkEnd(t.chunk.start))
	}
	return t.closeChunk()
}

// isTaken reports whether the newest chunk has the place on the clock that these
// ticks belong to. Sound after a hole goes on in the next place.
func (t *Track) isTaken(ticks uint64) bool {
	last := t.window.last()
	if last == nil || len(last.Chunks) == 0 {
		return false
	}
	return t.window.grid.index(last.Chunks[len(last.Chunks)-1].Start) == t.window.grid.index(ticks)
}

// maxShift is how far sound is moved to stand right behind the sound before it.
// The encoder leaves holes up to that where filled silence ends, and a chunk that
// took one up whole could become longer than any chunk may be.
const maxShift = 2 * aacFrame

// place moves a frame of sound to the end of the one before, where the hole
// between them is small. Before a hole FFmpeg says that a frame lasts longer than
// frames do.
func (t *Track) place(s sample) (placed sample, moved uint64) {
	if t.kind != media.Audio {
		return s, 0
	}
	s.duration = min(s.duration, aacFrame)
	if end, ok := t.end(); ok && s.start >= end && s.start-end <= maxShift {
		moved, s.start = s.start-end, end
	}
	return s, moved
}

// makeGood lets the last sound of a chunk last longer for what it was moved by,
// as long as the chunk is not longer than the longest, and the next one begins
// less than a frame after the boundary.
func (t *Track) makeGood(moved uint64) {
	grid := t.window.grid
	t.chunk.stretch(min(t.chunk.end+moved, t.chunk.start+wholeFrames(grid.chunk), grid.chunkEnd(t.chunk.start)+aacFrame-1))
}

// check holds a sample against the rules of a run. A sample that overlaps the
// one before, by the encoder's rounding, is shortened.
func (t *Track) check(s sample) (sample, error) {
	if end, ok := t.end(); ok && s.start < end {
		if s.end() <= end {
			return s, fmt.Errorf("%w: %d after %d", ErrTime, s.start, end)
		}
		s.start, s.duration = end, uint32(s.end()-end)
	}
	if len(t.chunk.payload)+len(s.data) > maxChunk {
		return s, fmt.Errorf("%w: chunk of more than %d bytes", ErrBox, maxChunk)
	}
	if t.kind == media.Video {
		return s, t.checkKeyFrame(s)
	}
	return s, nil
}

// checkKeyFrame demands a sync sample at the start of each segment, and none
// inside it but where a run joined.
func (t *Track) checkKeyFrame(s sample) error {
	switch begins := t.beginsSegment(s); {
	case begins && !s.sync:
		return fmt.Errorf("%w: segment %d starts without one", ErrKeyFrame, t.window.grid.number(s.start))
	case !begins && s.sync && s.start != t.joined:
		return fmt.Errorf("%w: inside segment %d, %v after its start", ErrKeyFrame, t.window.grid.number(s.start),
			ticksToDuration(s.start%t.window.grid.segment, t.init.Timescale))
	}
	return nil
}

// end is where the samples that are there end, published or not.
func (t *Track) end() (ticks uint64, ok bool) {
	if !t.chunk.empty() {
		return t.chunk.end, true
	}
	if last := t.window.last(); last != nil {
		return last.End(), true
	}
	return 0, false
}

// beginsSegment reports whether no sample before this one lies in its segment.
func (t *Track) beginsSegment(s sample) bool {
	number := t.window.grid.number(s.start)
	if !t.chunk.empty() {
		return t.window.grid.number(t.chunk.start) != number
	}
	last := t.window.last()
	return last == nil || last.Number != number
}
