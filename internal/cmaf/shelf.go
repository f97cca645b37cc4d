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

// Shelved notes that a segment was put on the shelf. One that was not by the
// time memory lets it go is a hole from then on.
func (t *Track) Shelved(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window.written[number] = true
}

// Unload lets go of the memory of an ended track's segments, all of which stand
// on the shelf by then or are lost.
func (t *Track) Unload() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.init == nil || !t.Snapshot().Ended {
		return
	}
	t.window.unload()
	t.publish(true)
}
