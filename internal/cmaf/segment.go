package cmaf

// Segment is what a manifest names: the chunks whose first samples lie in
// [n, n+1) segment durations of media time. A Segment is immutable; while it
// is open, each chunk makes a new one that shares the chunks before.
type Segment struct {
	Number   uint64
	Start    uint64 // decode time of its first sample, in ticks
	Duration uint64 // ticks, up to now when it is open
	Complete bool   // no chunk will follow
	Chunks   []Chunk
	Bytes    []byte // all chunks in one piece, once it is complete; the chunks' own are parts of it
	Size     int    // bytes of all chunks
	Shelved  bool   // its bytes are on the shelf, and no longer here
}

// Missing reports whether the segment is a hole: its number passed without any
// media, or they were lost.
func (s *Segment) Missing() bool { return s.Complete && !s.Shelved && len(s.Chunks) == 0 }

// End is the decode time at which the segment ends, in ticks.
func (s *Segment) End() uint64 { return s.Start + s.Duration }

// with is the segment with one chunk more. Only the track's owner appends, and
// only to the newest, so chunks can share their array.
func (s *Segment) with(c Chunk, complete bool) *Segment {
	next := *s
	next.Chunks = append(s.Chunks, c)
	next.Duration = c.End() - s.Start
	next.Size += len(c.Bytes)
	if complete {
		next.complete()
	}
	return &next
}

// closed is the segment, complete as it is.
func (s *Segment) closed() *Segment {
	next := *s
	next.complete()
	return &next
}

// complete puts the bytes in one piece, which costs a copy now and saves each
// viewer of the whole segment a write for every chunk.
func (s *Segment) complete() {
	s.Complete = true
	s.Bytes = make([]byte, 0, s.Size)
	chunks := make([]Chunk, len(s.Chunks))
	for i, c := range s.Chunks {
		at := len(s.Bytes)
		s.Bytes = append(s.Bytes, c.Bytes...)
		c.Bytes = s.Bytes[at:len(s.Bytes):len(s.Bytes)]
		chunks[i] = c
	}
	s.Chunks = chunks
}

// without is the segment with its bytes let go, on the shelf or for good.
func (s *Segment) without(shelved bool) *Segment {
	return &Segment{
		Number: s.Number, Start: s.Start, Duration: s.Duration, Size: s.Size,
		Complete: true, Shelved: shelved,
	}
}

// bitrate is the segment's rate in bits a second.
func (s *Segment) bitrate(timescale uint32) int {
	if s.Duration == 0 {
		return 0
	}
	return int(uint64(s.Size) * 8 * uint64(timescale) / s.Duration)
}
