package playlist

import "time"

// Position is a place in a media playlist: a part of a segment, or the start of
// a segment.
type Position struct {
	Segment uint64
	Part    int
}

// Piece is what a player fetches next: a part where parts are listed, a segment
// where they are not.
type Piece struct {
	Resource
	Position    Position
	Map         Resource  // the init segment before it; without a URI when there is none
	At          time.Time // its start on the wall clock; zero when unknown
	Duration    time.Duration
	Independent bool
	Gap         bool     // is not there: nothing to fetch
	Next        Position // of the piece after it
}

// End is where the piece ends on the wall clock; zero when that is unknown.
func (p Piece) End() time.Time {
	if p.At.IsZero() {
		return time.Time{}
	}
	return p.At.Add(p.Duration)
}

// Left reports whether a position has left the playlist.
func (m *Media) Left(at Position) bool { return at.Segment < m.First+uint64(m.Skipped) }

// Piece is the piece at a position, or after it where a segment ended with fewer
// parts; false when the playlist does not have it yet, or any more.
func (m *Media) Piece(at Position) (Piece, bool) {
	for !m.Left(at) && at.Segment < m.Next() {
		s := &m.Segments[at.Segment-m.First-uint64(m.Skipped)]
		switch {
		case len(s.Parts) == 0: // parts that have left the list come with the whole
			return s.piece(at.Segment), true
		case at.Part < len(s.Parts):
			return part(s.Parts, s.At, s.Map, at), true
		default:
			at = Position{Segment: at.Segment + 1}
		}
	}
	if at.Segment == m.Next() && at.Part < len(m.Parts) {
		return part(m.Parts, m.PartsAt, m.Map, at), true
	}
	return Piece{}, false
}

func (s *Segment) piece(number uint64) Piece {
	return Piece{
		Resource: s.Resource, Position: Position{Segment: number}, Map: s.Map, At: s.At, Duration: s.Duration,
		Independent: true, Gap: s.Gap, Next: Position{Segment: number + 1},
	}
}

// part is one of the parts of a segment that starts at a time.
func part(parts []Part, start time.Time, header Resource, at Position) Piece {
	if !start.IsZero() {
		for _, before := range parts[:at.Part] {
			start = start.Add(before.Duration)
		}
	}
	p := parts[at.Part]
	return Piece{
		Resource: p.Resource, Position: at, Map: header, At: start, Duration: p.Duration,
		Independent: p.Independent || at.Part == 0, Gap: p.Gap,
		Next: Position{Segment: at.Segment, Part: at.Part + 1},
	}
}

// Edge is the end of the newest piece on the wall clock; zero when unknown.
func (m *Media) Edge() time.Time {
	at := m.PartsAt
	if at.IsZero() {
		return at
	}
	for _, p := range m.Parts {
		at = at.Add(p.Duration)
	}
	return at
}

// Behind is the newest piece from which a player can play what lies that far
// behind the end of the playlist: it starts there or before, and needs no other
// before it. Lag is how far behind the end the piece starts.
func (m *Media) Behind(back time.Duration) (at Position, lag time.Duration, ok bool) {
	first := Position{Segment: m.First + uint64(m.Skipped)}
	var total time.Duration
	for p, found := m.Piece(first); found; p, found = m.Piece(p.Next) {
		total += p.Duration
	}
	var start time.Duration
	for p, found := m.Piece(first); found; p, found = m.Piece(p.Next) {
		if p.Independent && !p.Gap && (!ok || total-start >= back) {
			at, lag, ok = p.Position, total-start, true
		}
		start += p.Duration
	}
	return at, lag, ok
}

// Distance is how far behind the end a player starts (section 4.4.3.8): by parts
// where there are any, else by whole segments, of which it keeps three where the
// playlist does not say.
func (m *Media) Distance() time.Duration {
	switch {
	case m.PartTarget > 0 && m.PartHoldBack > 0:
		return m.PartHoldBack
	case m.PartTarget > 0:
		return 3 * m.PartTarget
	case m.HoldBack > 0:
		return m.HoldBack
	default:
		return 3 * m.Target
	}
}
