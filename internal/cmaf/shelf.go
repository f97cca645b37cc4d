package cmaf

import "io"

// Shelf keeps the segments of a presentation that memory lets go. Its methods
// may be called from any goroutine.
type Shelf interface {
	// Put keeps a complete segment of a track.
	Put(track string, s *Segment) error
	// Open reads a segment that was put, whole. It fails with fs.ErrNotExist once
	// the segment was dropped.
	Open(track string, number uint64) (io.ReadSeekCloser, error)
	// Drop lets go of a segment.
	Drop(track string, number uint64) error
}

// NoteShelved notes that a segment was put on the shelf. One that was not by the
// time memory lets it go is a hole from then on, even if it is put later: viewers
// have been told so.
func (t *Track) NoteShelved(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window.noteShelved(number)
}

// Unload lets go of the memory of an ended track's segments, but of those that
// the shelf does not have.
func (t *Track) Unload() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.init == nil || !t.Snapshot().Ended {
		return
	}
	t.window.unload()
	t.publish(true)
}
