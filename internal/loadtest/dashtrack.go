package loadtest

import (
	"context"
	"time"

	"github.com/sluicelive/sluice/internal/loadtest/chunks"
	"github.com/sluicelive/sluice/internal/loadtest/playlist"
	"github.com/sluicelive/sluice/internal/loadtest/timeline"
)

// dashTrack loads the segments of one representation.
type dashTrack struct {
	*viewer
	manifest *manifest
	index    int
	kind     kind
	at       time.Duration // media time up to which it is loaded
	header   string        // the init segment that was loaded last
	ticks    chunks.Track  // what it said
	pause    pauses
}

// play loads segments until the presentation or ctx ends.
func (t *dashTrack) play(ctx context.Context) {
	for ctx.Err() == nil {
		p, changed := t.manifest.current()
		period, ok := p.Period(t.at)
		if !ok {
			if !t.ended(ctx, p, changed) {
				return
			}
			continue
		}
		track, ok := t.choose(period)
		if !ok {
			t.at = period.End // nothing of this kind
			continue
		}
		segment, ok := track.Segment(t.at)
		switch {
		case !ok && period.End < timeline.Open:
			t.at = period.End
		case !ok:
			if !t.ended(ctx, p, changed) {
				return
			}
		default:
			t.next(ctx, p, &track, segment)
		}
	}
}

// ended waits for another MPD; false when there will be none.
func (t *dashTrack) ended(ctx context.Context, p *timeline.Presentation, changed <-chan struct{}) (goesOn bool) {
	if !p.Live || p.Update == 0 {
		return false
	}
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// choose is the representation to play in a period.
func (t *dashTrack) choose(p timeline.Period) (timeline.Track, bool) {
	if t.kind == audio {
		p.Video = nil // the first sound is as good as any
		found, err := chooseTrack(p, Highest)
		return found, err == nil
	}
	p.Audio = nil
	found, err := chooseTrack(p, t.test.config.Rendition)
	return found, err == nil
}

// next loads a segment when it can be had. What fails is tried again, from the
// newest MPD.
func (t *dashTrack) next(ctx context.Context, p *timeline.Presentation, track *timeline.Track, s timeline.Segment) {
	if p.Live && wait(ctx, p.Start.Add(s.Available).Sub(t.now())) != nil || t.room(ctx, t.index) != nil {
		return
	}
	if t.left(p) {
		t.at = t.manifest.edge(p)
		t.place(0, p.Start.Add(t.at), p.Live)
		return
	}
	err := t.loadHeader(ctx, track)
	if err == nil {
		err = t.load(ctx, p.Start, s)
	}
	if err != nil {
		t.failed(ctx, err)
		_ = t.pause.wait(ctx) // play sees the end of ctx
		return
	}
	t.pause.reset()
	t.at = s.End
}

// left reports whether the track's place has left the window.
func (t *dashTrack) left(p *timeline.Presentation) bool {
	return p.Live && p.Window > 0 && t.now().Sub(p.Start)-t.at > p.Window
}

// loadHeader loads the init segment, where it is another than the last one.
func (t *dashTrack) loadHeader(ctx context.Context, track *timeline.Track) error {
	if track.Init == "" || track.Init == t.header {
		return nil
	}
	var scan chunks.Scanner
	var bad error
	err := t.client.media(ctx, playlist.Resource{URI: track.Init}, func(b []byte) {
		if bad == nil {
			bad = scan.Write(b, func(chunks.Chunk) {})
		}
	})
	if err == nil {
		t.header, t.ticks = track.Init, scan.Track // zero ticks: segments count when they are whole
	}
	return err
}

// load loads a segment, and notes each chunk of it when it comes.
func (t *dashTrack) load(ctx context.Context, start time.Time, s timeline.Segment) error {
	scan := chunks.Scanner{Track: t.ticks}
	loaded, empty := s.Start, true
	readable := t.ticks.Timescale > 0
	err := t.client.media(ctx, playlist.Resource{URI: s.URL}, func(b []byte) {
		empty = empty && len(b) == 0
		if !readable {
			return
		}
		err := scan.Write(b, func(c chunks.Chunk) {
			from, to := mediaTimes(s, c, t.ticks.Timescale)
			if to <= s.Start || from >= s.End {
				return // decode times that are not on the timeline of the MPD
			}
			loaded = max(loaded, to)
			t.buffered(t.index, start.Add(from), start.Add(to), time.Now())
		})
		readable = err == nil
	})
	// An empty one is what would have come next if the stream had not ended.
	if err == nil && loaded == s.Start && !empty { // not fragmented MP4, or of odd times
		t.buffered(t.index, start.Add(s.Start), start.Add(s.End), time.Now())
	}
	return err
}

// mediaTimes are where a chunk of a segment lies.
func mediaTimes(s timeline.Segment, c chunks.Chunk, timescale uint32) (from, to time.Duration) {
	from = s.Origin + inTime(c.Start, timescale)
	return from, from + inTime(c.Duration, timescale)
}

// inTime is a number of ticks as a length, of at most some decades.
func inTime(ticks uint64, timescale uint32) time.Duration {
	const most = 1 << 30 // seconds
	whole, rest := ticks/uint64(timescale), ticks%uint64(timescale)
	return time.Duration(min(whole, most))*time.Second + time.Duration(rest*uint64(time.Second)/uint64(timescale))
}
