package cmaf

import "slices"

// window is the newest segments of a track without a hole in their numbers: the
// last ones in memory, and before them those that the shelf has. The slices it
// gives out are never written again.
type window struct {
	grid     grid
	capacity int // complete segments that are kept in memory
	segments []*Segment
	rate     rate

	shelfCapacity int // segments that are kept on the shelf alone
	shelved       []*Segment
	written       map[uint64]bool // segments in memory that the shelf has, too

	stretches []Stretch
	settled   *Memo // of the complete segments, until they are others
}

func newWindow(g grid, capacity, shelfCapacity int) window {
	return window{grid: g, capacity: capacity, shelfCapacity: shelfCapacity, written: map[uint64]bool{}, settled: new(Memo)}
}

// rate measures what a track takes.
type rate struct {
	peak  int    // highest of any complete segment, bits a second
	bytes uint64 // of all complete segments
	ticks uint64
}

func (r *rate) add(s *Segment, g grid) {
	if s.Missing() {
		return
	}
	r.bytes += uint64(s.Size)
	r.ticks += s.Duration
	if s.Duration >= g.segment/2 { // a stump says nothing about the peak
		r.peak = max(r.peak, s.bitrate(g.timescale))
	}
}

func (r *rate) average(timescale uint32) int {
	if r.ticks == 0 {
		return 0
	}
	return int(float64(r.bytes) * 8 * float64(timescale) / float64(r.ticks))
}

// last is the newest segment, nil before the first.
func (w *window) last() *Segment {
	if len(w.segments) == 0 {
		return nil
	}
	return w.segments[len(w.segments)-1]
}

// open is the newest segment when it takes chunks, nil otherwise.
func (w *window) open() *Segment {
	if last := w.last(); last != nil && !last.Complete {
		return last
	}
	return nil
}

// append adds a chunk to the segment its start lies in.
func (w *window) append(c Chunk) {
	number := w.grid.number(c.Start)
	segment := w.open()
	if segment == nil || segment.Number != number {
		w.closeOpen()
		before := w.last()
		w.fill(number)
		w.resume(before, number)
		segment = &Segment{Number: number, Start: c.Start, Chunks: make([]Chunk, 0, w.grid.segment/w.grid.chunk+1)}
		w.push(segment)
	}
	w.replaceLast(segment.with(c, c.End() >= w.grid.segmentEnd(c.Start)))
}

// closeOpen completes the open segment as it is, if there is one.
func (w *window) closeOpen() {
	if open := w.open(); open != nil {
		w.replaceLast(open.closed())
	}
}

// fill puts a missing segment for each number between the newest and this one,
// so that numbers stay those of the clock: at most one window of them.
func (w *window) fill(number uint64) {
	last := w.last()
	if last == nil {
		return
	}
	from := last.Number + 1
	if all := uint64(w.capacity + w.shelfCapacity); number > from+all {
		from = number - all
		w.segments, w.shelved = nil, nil
		clear(w.written)
	}
	for n := from; n < number; n++ {
		w.push(&Segment{Number: n, Start: n * w.grid.segment, Duration: w.grid.segment, Complete: true})
	}
}

// resume notes that segments go on at a number, after the one that was the last.
func (w *window) resume(last *Segment, number uint64) {
	if last == nil {
		w.stretches = resume(nil, 0, number, 0)
		return
	}
	oldest := number
	if len(w.shelved) > 0 {
		oldest = w.shelved[0].Number
	} else if len(w.segments) > 0 {
		oldest = w.segments[0].Number
	}
	w.stretches = resume(w.stretches, last.Number, number, oldest)
}

func (w *window) push(s *Segment) {
	if s.Complete {
		w.settled = new(Memo)
	}
	over := max(0, len(w.segments)-w.capacity)
	for _, old := range w.segments[:over] {
		w.shelve(old)
	}
	keep := w.segments[over:]
	w.segments = append(append(make([]*Segment, 0, len(keep)+1), keep...), s)
}

// shelve moves a segment that leaves memory to the end of those on the shelf.
// Appending writes behind what any snapshot sees.
func (w *window) shelve(s *Segment) {
	written := w.written[s.Number]
	delete(w.written, s.Number)
	if w.shelfCapacity == 0 {
		return
	}
	if !written {
		w.settled = new(Memo) // it is a hole now
	}
	w.shelved = append(w.shelved, s.without(written))
	w.shelved = w.shelved[max(0, len(w.shelved)-w.shelfCapacity):]
}

// noteShelved notes that the shelf has a segment, too, that is in memory.
func (w *window) noteShelved(number uint64) {
	if len(w.segments) > 0 && number >= w.segments[0].Number && number <= w.last().Number {
		w.written[number] = true
	}
}

// unload lets go of the bytes that the shelf has, too. Nothing is added after it.
func (w *window) unload() {
	unloaded := slices.Clone(w.segments)
	for i, s := range unloaded {
		if w.written[s.Number] {
			unloaded[i] = s.without(true)
		}
	}
	w.segments, w.settled = unloaded, new(Memo)
}

func (w *window) replaceLast(s *Segment) {
	w.segments = append([]*Segment(nil), w.segments...)
	w.segments[len(w.segments)-1] = s
	if s.Complete {
		w.settled = new(Memo)
		w.rate.add(s, w.grid)
	}
}
