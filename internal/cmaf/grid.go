package cmaf

import (
	"fmt"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// maxTicks bounds decode times: no number in a manifest may pass 2^53, above
// which JavaScript loses units (DASH-IF IOP 4.3, section 3.2.7.4).
const maxTicks = 1 << 53

// grid is the stream clock's grid in ticks of one track. Segment n covers
// [n·segment, (n+1)·segment), and chunks divide it in the same way.
type grid struct {
	timescale uint32
	segment   uint64
	chunk     uint64
}

// newGrid fails when a boundary would not fall on a whole tick, for then edges
// of tracks would drift apart.
func newGrid(timescale uint32, length sluice.ChunkLength) (grid, error) {
	segment, okSegment := wholeTicks(sluice.SegmentDuration, timescale)
	chunk, okChunk := length.Ticks(timescale)
	if !okSegment || !okChunk {
		return grid{}, fmt.Errorf("%w: chunks of %v do not fall on ticks of 1/%d s", ErrBox, length.Duration(), timescale)
	}
	return grid{timescale: timescale, segment: segment, chunk: chunk}, nil
}

func wholeTicks(d time.Duration, timescale uint32) (ticks uint64, ok bool) {
	product := uint64(d) * uint64(timescale)
	ticks = product / uint64(time.Second)
	return ticks, ticks > 0 && product%uint64(time.Second) == 0
}

// number is the segment that a sample starting at these ticks belongs to.
func (g grid) number(ticks uint64) uint64 { return ticks / g.segment }

// segmentEnd is where the segment of these ticks ends.
func (g grid) segmentEnd(ticks uint64) uint64 { return (g.number(ticks) + 1) * g.segment }

// chunkEnd is where the chunk of these ticks ends.
func (g grid) chunkEnd(ticks uint64) uint64 { return (ticks/g.chunk + 1) * g.chunk }

// index is the number of the chunk of these ticks, counted on the whole clock.
func (g grid) index(ticks uint64) uint64 { return ticks / g.chunk }

// ticksToDuration converts without passing through ticks × 10⁹, which overflows
// after 57 hours at 90 kHz.
func ticksToDuration(ticks uint64, timescale uint32) time.Duration {
	scale := uint64(timescale)
	whole, rest := ticks/scale, ticks%scale
	return time.Duration(whole)*time.Second + time.Duration(rest*uint64(time.Second)/scale)
}

// aacFrame is the samples of a frame of AAC; a track's timescale is its rate.
const aacFrame = 1024

// wholeFrames rounds a length of sound up to whole frames.
func wholeFrames(ticks uint64) uint64 { return (ticks + aacFrame - 1) / aacFrame * aacFrame }

// LongestChunk is the longest that a chunk can be, rounded up to the
// millisecond. Chunks are cut on the clock, where sound comes in frames: the
// longest one of sound is a whole number of them.
func LongestChunk(kind media.Kind, length sluice.ChunkLength) time.Duration {
	longest := length.Duration()
	if kind == media.Audio {
		const rate = 48_000 // hertz
		ticks, _ := length.Ticks(rate)
		longest = ticksToDuration(wholeFrames(ticks), rate)
	}
	return (longest + time.Millisecond - 1).Truncate(time.Millisecond)
}
