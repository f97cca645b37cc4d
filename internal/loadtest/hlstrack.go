package loadtest

import (
	"context"
	"net/url"
	"time"

	"github.com/sluicelive/sluice/internal/loadtest/playlist"
)

// resolve makes the addresses of a playlist's newest media absolute.
func resolve(m *playlist.Media, from *url.URL) {
	absolute := func(r *playlist.Resource) {
		if r.URI == "" {
			return
		}
		if u, err := from.Parse(r.URI); err == nil {
			r.URI = u.String()
		}
	}
	parts := func(parts []playlist.Part) {
		for i := range parts {
			absolute(&parts[i].Resource)
		}
	}
	for i := range m.Segments {
		s := &m.Segments[i]
		absolute(&s.Resource)
		absolute(&s.Map)
		parts(s.Parts)
	}
	parts(m.Parts)
	absolute(&m.Map)
	absolute(&m.Hint)
}

// hlsPlay is how far a track has been loaded.
type hlsPlay struct {
	*hlsTrack
	at     playlist.Position
	chosen int // how often the start was chosen; 0 before this track has a position
	clock  time.Time
	header playlist.Resource // the init segment that was loaded last
	pause  pauses
	hint   *hint
}

// play loads what the playlists name, until they end.
func (t *hlsTrack) play(ctx context.Context) {
	p := &hlsPlay{hlsTrack: t}
	defer p.dropHint()
	for list := range t.lists {
		for p.step(ctx, list) {
		}
		if ctx.Err() != nil {
			break
		}
		if !list.Ended {
			p.prefetch(ctx, list)
		}
	}
	for range t.lists { // the other half may still have one to leave
	}
}

// step loads the next piece of a playlist; false when it has none.
func (p *hlsPlay) step(ctx context.Context, list *playlist.Media) bool {
	if ctx.Err() != nil || (p.start.moved(p.chosen) || list.Left(p.at)) && !p.place(list) {
		return false
	}
	piece, ok := list.Piece(p.at)
	if !ok || p.room(ctx, p.index) != nil {
		return false
	}
	if piece.Gap {
		p.pass(piece)
		return true
	}
	arrived, err := p.fetch(ctx, piece)
	if err != nil {
		p.failed(ctx, err)
		const tries = 3
		if p.pause.wait(ctx) != nil {
			return false
		}
		if p.pause.failures >= tries {
			p.pause.reset()
			p.place(list)
		}
		return len(p.lists) == 0 // a newer playlist may know better
	}
	p.pause.reset()
	from := piece.At
	if from.IsZero() {
		from = p.clock
	}
	p.buffered(p.index, from, from.Add(piece.Duration), arrived)
	p.pass(piece)
	return true
}

// pass goes on to the piece after this one.
func (p *hlsPlay) pass(piece playlist.Piece) {
	p.at = piece.Next
	p.clock = p.clock.Add(piece.Duration)
	if !piece.At.IsZero() {
		p.clock = piece.End()
	}
}

// place finds where to load from: as far from the end as the playlist asks for,
// or from the start of one that has ended; where another track of the viewer has
// started already, there. Playlists without times put what comes first at the
// present.
func (p *hlsPlay) place(list *playlist.Media) bool {
	back := list.Distance()
	if list.Ended && p.chosen == 0 {
		const all = 1 << 62
		back = all
	}
	at, lag, ok := list.Behind(back)
	if !ok {
		return false
	}
	edge := list.Edge()
	timed := !edge.IsZero()
	if !timed {
		edge = time.Now()
	}
	var start time.Time
	start, p.chosen = p.start.choose(p.chosen, edge.Add(-min(back, lag)), timed && !list.Ended)
	if timed {
		at, lag, ok = list.Behind(edge.Sub(start))
	}
	p.at, p.clock = at, edge.Add(-lag)
	if !timed {
		p.clock = start.Add(min(back, lag) - lag)
	}
	return ok
}

// fetch loads a piece, after its init segment where that is another, and gives
// when it was there. A piece that was hinted at is on its way already.
func (p *hlsPlay) fetch(ctx context.Context, piece playlist.Piece) (time.Time, error) {
	if piece.Map.URI != "" && piece.Map != p.header {
		if err := p.client.media(ctx, piece.Map, nil); err != nil {
			return time.Time{}, err
		}
		p.header = piece.Map
	}
	if h := p.hint; h != nil && h.resource == piece.Resource {
		p.hint = nil
		select {
		case <-h.done:
			return h.arrived, h.err
		case <-ctx.Done():
			<-h.done
			return time.Time{}, ctx.Err()
		}
	}
	p.dropHint()
	err := p.client.media(ctx, piece.Resource, nil)
	return time.Now(), err
}

// hint is a part that is loaded before the playlist has it.
type hint struct {
	resource playlist.Resource
	cancel   context.CancelFunc
	done     chan struct{}
	arrived  time.Time // set, as err, when done is closed
	err      error
}

// prefetch asks for the part to come at once, when all before it are there.
func (p *hlsPlay) prefetch(ctx context.Context, list *playlist.Media) {
	r := list.Hint
	if _, more := list.Piece(p.at); more || r.URI == "" || p.chosen == 0 || p.hint != nil && p.hint.resource == r {
		return
	}
	p.dropHint()
	ctx, cancel := context.WithCancel(ctx)
	h := &hint{resource: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(h.done)
		defer cancel()
		h.err = p.client.media(ctx, r, nil)
		h.arrived = time.Now()
	}()
	p.hint = h
}

// dropHint ends a hint that came to nothing, which is no error (section 6.2.6).
func (p *hlsPlay) dropHint() {
	if h := p.hint; h != nil {
		p.hint = nil
		h.cancel()
		<-h.done
	}
}
