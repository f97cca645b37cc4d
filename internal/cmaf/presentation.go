package cmaf

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// DefaultKeep is how long segments are held once manifests have let them go:
// for viewers who have a manifest of a moment ago. RFC 8216, section 6.2.2
// asks for the length of the playlist, which would double the memory for
// viewers at the window's far end.
const DefaultKeep = 12 * time.Second

// Config says what a presentation is made of.
type Config struct {
	Clock  sluice.Clock
	Ladder sluice.Ladder
	Chunk  sluice.ChunkLength // sluice.DefaultChunkLength when zero
	Window time.Duration      // that manifests advertise; sluice.WindowDuration when zero
	Keep   time.Duration      // held beyond the window; DefaultKeep when zero
	Shelf  Shelf              // for what of a window is more than memory holds; none when nil
}

// capacity is how many segments are held in memory and on the shelf alone. With
// a shelf, memory holds no more than it does for a window of the usual length.
func (c Config) capacity() (inMemory, onShelf int) {
	all := int((c.Window + c.Keep) / sluice.SegmentDuration)
	if c.Shelf == nil {
		return all, 0
	}
	inMemory = min(all, int((sluice.WindowDuration+c.Keep)/sluice.SegmentDuration))
	return inMemory, all - inMemory
}

// Presentation is one broadcast's media in memory: a track for each rendition
// of the ladder, and one for audio. Encoder runs are read into its tracks, any
// number of readers take snapshots, and neither waits for the other.
type Presentation struct {
	config  Config
	video   []*Track
	audio   *Track
	current atomic.Pointer[Snapshot]
}

// NewPresentation makes a presentation without media.
func NewPresentation(c Config) *Presentation {
	if c.Window == 0 {
		c.Window = sluice.WindowDuration
	}
	if c.Chunk == 0 {
		c.Chunk = sluice.DefaultChunkLength
	}
	if c.Keep == 0 {
		c.Keep = DefaultKeep
	}
	p := &Presentation{config: c, audio: newTrack(sluice.AudioName, media.Audio, c)}
	for _, r := range c.Ladder {
		p.video = append(p.video, newTrack(r.Name, media.Video, c))
	}
	return p
}

// Track finds a track by its rendition's name, or sluice.AudioName; nil when
// the ladder has none such.
func (p *Presentation) Track(name string) *Track {
	for _, t := range p.Tracks() {
		if t.name == name {
			return t
		}
	}
	return nil
}

// Tracks are the video tracks in the ladder's order, then audio.
func (p *Presentation) Tracks() []*Track {
	return append(p.video[:len(p.video):len(p.video)], p.audio)
}

// Shelf is where segments are that memory has let go; nil when they are nowhere.
func (p *Presentation) Shelf() Shelf { return p.config.Shelf }

// Snapshot is all tracks now. While no track changes it is the same one, so
// that what is rendered from it is shared.
func (p *Presentation) Snapshot() *Snapshot {
	next := &Snapshot{
		Clock: p.config.Clock, Ladder: p.config.Ladder, Chunk: p.config.Chunk, Window: p.config.Window,
		Audio: p.audio.Snapshot(),
	}
	for _, t := range p.video {
		next.Video = append(next.Video, t.Snapshot())
	}
	old := p.current.Load()
	if old != nil && old.Audio == next.Audio && slices.Equal(old.Video, next.Video) {
		return old
	}
	p.current.CompareAndSwap(old, next) // whoever was quicker is as new
	return next
}

// WaitPlayable waits until all tracks hold a complete segment of one number:
// from then on a player that loads a manifest plays. It fails when the context
// ends, and with ErrTrackEnded when the presentation ends before.
func (p *Presentation) WaitPlayable(ctx context.Context) error {
	for {
		lagging := p.Snapshot().lagging()
		switch {
		case lagging == nil:
			return nil
		case lagging.Ended:
			return ErrTrackEnded
		}
		select {
		case <-lagging.Changed():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// MediaEnd is the media time up to which all tracks are published; 0 while one
// has nothing.
func (p *Presentation) MediaEnd() time.Duration { return p.Snapshot().MediaEnd() }

// Remove takes all tracks off the air, for good.
func (p *Presentation) Remove() {
	for _, t := range p.Tracks() {
		t.Remove()
	}
}

// End closes what is open in all tracks; nothing follows. A repeat changes
// nothing.
func (p *Presentation) End() error {
	var failed error
	for _, t := range p.Tracks() {
		failed = errors.Join(failed, t.End())
	}
	return failed
}
