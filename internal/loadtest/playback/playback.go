// Package playback is a player without a picture: what it has buffered, where it
// plays, and when it stands still.
package playback

import (
	"slices"
	"time"
)

const (
	// joint is how far apart two pieces may lie and still be one: durations in
	// manifests are rounded, and players step over less than this.
	joint = 100 * time.Millisecond
	// shortestStall is a picture at 30 a second: what is shorter nobody sees. It
	// puts the playhead back nevertheless.
	shortestStall = 33 * time.Millisecond
)

// A span is a piece of media that is buffered without a hole. Places in the
// media are the times on the wall clock at which they were made.
type span struct{ from, to time.Time }

// Player plays at normal speed what its tracks have in common. Its own clock is
// the time that its methods are given; a time before the last one is that one.
type Player struct {
	tracks [][]span

	seeking bool // placed, and never played since
	placed  bool // where to start is known
	playing bool
	ended   bool      // nothing more will be buffered
	head    time.Time // the playhead, as of at
	at      time.Time
	dry     time.Time // when it ran out of media; while it is not playing

	played time.Duration
	stalls Stalls
}

// Stalls are the times at which a player that had started stood still.
type Stalls struct {
	Count int
	Total time.Duration
}

// New makes a player of a number of tracks, which waits to be placed.
func New(tracks int) *Player { return &Player{tracks: make([][]span, tracks)} }

// Place puts the playhead at a place in the media. A player that has played
// before, and has to go on elsewhere, stands still until it can.
func (p *Player) Place(now, head time.Time) {
	p.Advance(now)
	if p.playing {
		p.playing, p.dry = false, now
	}
	p.placed, p.head = true, head
	p.seeking = p.played == 0
	for i := range p.tracks {
		p.tracks[i] = nil
	}
	p.resume(now)
}

// Head is the playhead as of the last call; false before it was placed.
func (p *Player) Head() (time.Time, bool) { return p.head, p.placed }

// Playing reports whether the picture moves, as of the last call.
func (p *Player) Playing() bool { return p.playing }

// Started reports whether the picture ever moved.
func (p *Player) Started() bool { return p.placed && !p.seeking && !p.at.IsZero() }

// Ended reports whether the player has all there is.
func (p *Player) Ended() bool { return p.ended }

// Played is for how long the picture moved.
func (p *Player) Played() time.Duration { return p.played }

// Stalls are those that are over by now, and the one that is not.
func (p *Player) Stalls(now time.Time) Stalls {
	s := p.stalls
	if p.Started() && !p.playing && !p.ended {
		s.add(now.Sub(p.dry))
	}
	return s
}

func (s *Stalls) add(d time.Duration) {
	if d >= shortestStall {
		s.Count++
		s.Total += d
	}
}

// Ahead is how much of a track is buffered before the playhead.
func (p *Player) Ahead(track int) time.Duration {
	if spans := p.tracks[track]; p.placed && len(spans) > 0 {
		return max(0, spans[len(spans)-1].to.Sub(p.head))
	}
	return 0
}

// Buffer adds a piece of media to a track. Pieces of a track come in order.
func (p *Player) Buffer(now time.Time, track int, from, to time.Time) {
	p.Advance(now)
	spans := p.tracks[track]
	if n := len(spans); n > 0 && from.Sub(spans[n-1].to) <= joint {
		if to.After(spans[n-1].to) {
			spans[n-1].to = to
		}
	} else {
		spans = slices.DeleteFunc(spans, func(s span) bool { return !s.to.After(p.head) })
		p.tracks[track] = append(spans, span{from, to})
	}
	p.resume(now)
}

// Finish says that nothing will be buffered any more: standing still at the end
// is no stall, however late it was told to be the end.
func (p *Player) Finish() { p.ended = true }

// Advance moves the playhead on to now, or to the end of what is buffered.
func (p *Player) Advance(now time.Time) {
	for p.playing && now.After(p.at) {
		left := p.left()
		if step := now.Sub(p.at); step < left {
			p.move(step)
			break
		}
		p.move(left)
		if !p.jump() {
			p.playing, p.dry = false, p.at
		}
	}
	if now.After(p.at) {
		p.at = now
	}
}

func (p *Player) move(step time.Duration) {
	p.head, p.at = p.head.Add(step), p.at.Add(step)
	p.played += step
}

// left is what can be played without a hole: 0 where a track has nothing.
func (p *Player) left() time.Duration {
	least := time.Duration(-1)
	for i := range p.tracks {
		var d time.Duration
		if s, ok := p.span(i); ok {
			d = s.to.Sub(p.head)
		}
		if least < 0 || d < least {
			least = d
		}
	}
	return max(0, least)
}

// span is the piece of a track that the playhead is in, or just before.
func (p *Player) span(track int) (span, bool) {
	for _, s := range p.tracks[track] {
		if p.head.Before(s.to) && s.from.Sub(p.head) <= joint {
			return s, true
		}
	}
	return span{}, false
}

// jump takes the playhead over a hole that has media behind it in all tracks, as
// players do: what is not there will not come.
func (p *Player) jump() bool {
	head := p.head
	for again := true; again; {
		again = false
		for _, spans := range p.tracks {
			i := slices.IndexFunc(spans, func(s span) bool { return s.to.After(head) })
			if i < 0 {
				return false
			}
			if from := spans[i].from; from.Sub(head) > joint {
				head, again = from, true
			}
		}
	}
	p.head = head
	return true
}

// resume starts to play when the playhead has media in all tracks.
func (p *Player) resume(now time.Time) {
	if p.playing || !p.placed || p.left() == 0 && !p.jump() {
		return
	}
	if !p.seeking && p.played > 0 {
		p.stalls.add(now.Sub(p.dry))
	}
	p.playing, p.seeking = true, false
}
