package cmaf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// Errors after which an encoder run cannot go on; a new run can.
var (
	// ErrKeyFrame: a segment starts without a key frame, or a key frame stands
	// inside one.
	ErrKeyFrame = errors.New("cmaf: key frame off the grid")
	// ErrTime: decode time stands still or goes back within a run.
	ErrTime = errors.New("cmaf: decode time does not rise")
	// ErrInitChanged: a run's header differs from the first one's.
	ErrInitChanged = errors.New("cmaf: init segment changed")
	// ErrTrackEnded: the track takes no more media.
	ErrTrackEnded = errors.New("cmaf: track has ended")
)

// maxChunk bounds the bytes of one chunk's samples.
const maxChunk = 32 << 20

// Track is one rendition, or the audio, of a presentation: samples go in, and
// snapshots of chunks and segments come out.
type Track struct {
	name     string
	clock    sluice.Clock
	length   sluice.ChunkLength
	kind     media.Kind
	current  atomic.Pointer[TrackSnapshot]
	listed   int // segments that manifests list
	inMemory int // segments that are held in memory
	onShelf  int // segments that are held on the shelf alone

	mu     sync.Mutex // held by whoever adds media or ends the track
	init   *Init
	window window
	chunk  openChunk
	joined uint64 // where the newest run was joined, in ticks
}

func newTrack(name string, kind media.Kind, c Config) *Track {
	inMemory, onShelf := c.capacity()
	t := &Track{
		name:     name,
		clock:    c.Clock,
		length:   c.Chunk,
		kind:     kind,
		listed:   int(c.Window / sluice.SegmentDuration),
		inMemory: inMemory,
		onShelf:  onShelf,
		window:   window{settled: new(Memo)},
	}
	t.current.Store(&TrackSnapshot{Name: name, Clock: c.Clock, Chunk: c.Chunk, Settled: t.window.settled, changed: make(chan struct{})})
	return t
}

// Name is the rendition's, or sluice.AudioName.
func (t *Track) Name() string { return t.name }

// Snapshot is the track now.
func (t *Track) Snapshot() *TrackSnapshot { return t.current.Load() }

// Consume reads one encoder run: the fragmented MP4 of one track, with decode
// times on the stream clock. It returns nil at the end of the stream. Another
// run may follow, with the same header; it is taken from its first sync sample
// at or after the end of what is published. Runs do not overlap.
//
// The context is looked at between fragments; whoever owns r closes it to end
// a read that blocks.
func (t *Track) Consume(ctx context.Context, r io.Reader) error {
	fragments, err := newFragmentReader(r)
	if errors.Is(err, io.EOF) {
		return nil // the encoder ended before its first frame
	}
	if err != nil {
		return t.fail(err)
	}
	if err := t.begin(fragments.init); err != nil {
		return t.fail(err)
	}
	run := run{track: t}
	for ctx.Err() == nil {
		samples, err := fragments.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = run.take(samples)
		}
		if err != nil {
			return t.fail(err)
		}
	}
	return ctx.Err()
}

func (t *Track) fail(err error) error { return fmt.Errorf("track %s: %w", t.name, err) }

// begin takes the first run's header, and compares that of later ones.
func (t *Track) begin(in *Init) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.Snapshot().Removed:
		return nil
	case t.Snapshot().Ended:
		return ErrTrackEnded
	case t.init != nil && !bytes.Equal(t.init.Bytes, in.Bytes):
		return ErrInitChanged
	case t.init != nil:
		return nil
	case in.Kind != t.kind:
		return fmt.Errorf("%w: %v where %v belongs", ErrBox, in.Kind, t.kind)
	}
	grid, err := newGrid(in.Timescale, t.length)
	if err != nil {
		return err
	}
	t.init, t.window = in, newWindow(grid, t.inMemory, t.onShelf)
	t.publish(false)
	return nil
}

// publish replaces the snapshot and wakes those who wait for it.
func (t *Track) publish(ended bool) {
	old := t.current.Load()
	if old.Removed {
		return // an encoder run that has not heard of it yet
	}
	next := &TrackSnapshot{
		Name:       t.name,
		Clock:      t.clock,
		Chunk:      t.length,
		Init:       t.init,
		Shelved:    t.window.shelved,
		Segments:   t.window.segments,
		Settled:    t.window.settled,
		Ended:      ended,
		first:      old.first,
		stretches:  t.window.stretches,
		advertised: t.listed,
		changed:    make(chan struct{}),
	}
	if t.init != nil {
		next.Peak, next.Average = t.window.rate.peak, t.window.rate.average(t.init.Timescale)
	}
	if old.oldest() == nil && next.oldest() != nil {
		next.first = next.oldest().Number
	}
	t.current.Store(next)
	close(old.changed)
}

// closeChunk makes the open chunk final and publishes it.
func (t *Track) closeChunk() error {
	if err := t.finishChunk(); err != nil {
		return err
	}
	t.publish(false)
	return nil
}

// finishChunk makes the open chunk final.
func (t *Track) finishChunk() error {
	start := t.chunk.start
	open := t.window.open()
	chunk, err := t.chunk.close(chunkContext{
		trackID:  t.init.trackID,
		sequence: uint32(t.window.grid.index(start)) + 1, // one chunk to each place on the clock
		wall:     t.clock.WallTime(ticksToDuration(start, t.init.Timescale)),
		first:    open == nil || open.Number != t.window.grid.number(start),
	})
	if err != nil {
		return err
	}
	t.chunk.reset()
	t.window.append(chunk)
	return nil
}

// Remove takes the track off the air: its last snapshot holds nothing, and those
// who wait for more see that. What an encoder run still brings is left out.
func (t *Track) Remove() {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.current.Load()
	if old.Removed {
		return
	}
	t.current.Store(&TrackSnapshot{
		Name: t.name, Clock: t.clock, Chunk: t.length, Init: t.init, Settled: new(Memo),
		Ended: true, Removed: true, changed: make(chan struct{}),
	})
	close(old.changed)
}

// End closes what is open; nothing follows. A repeat changes nothing. No snapshot
// shows the last chunk, which may be short, before the end: parts that others
// follow have to fill their target (rfc8216bis, section 4.4.4.9).
func (t *Track) End() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Snapshot().Ended {
		return nil
	}
	var err error
	if !t.chunk.empty() {
		err = t.finishChunk()
	}
	t.window.closeOpen()
	t.publish(true)
	return err
}
