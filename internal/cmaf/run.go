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
	if t.Snapshot().Ended {
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
	s, err := t.check(s)
	if err != nil {
		return err
	}
	grid := t.window.grid
	if !t.chunk.empty() && grid.index(s.start) != grid.index(t.chunk.start) {
		// Samples are missing: the chunk ends short, before the hole.
		if err := t.closeChunk(); err != nil {
			return err
		}
	}
	t.chunk.add(s)
	if s.end() >= grid.chunkEnd(s.start) {
		return t.closeChunk()
	}
	return nil
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
