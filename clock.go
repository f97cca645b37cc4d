package sluice

import (
	"fmt"
	"time"
)

// SegmentDuration is the nominal length of every segment: the grid of the
// stream clock, on which key frames of all renditions lie.
const SegmentDuration = 2 * time.Second

// ChunkLength is the nominal length of a CMAF chunk, in pictures. A segment is a
// whole number of chunks.
type ChunkLength int

// DefaultChunkLength is 133 ms: docs/costs.md has what other lengths cost.
const DefaultChunkLength ChunkLength = 4

// NewChunkLength reads a length given as a duration, to the millisecond: 66ms is
// two pictures.
func NewChunkLength(d time.Duration) (ChunkLength, error) {
	const perSegment = int(SegmentDuration/time.Second) * FrameRate
	for n := 1; n <= perSegment/2; n++ {
		c := ChunkLength(n)
		if perSegment%n == 0 && (d-c.Duration()).Abs() <= time.Millisecond {
			return c, nil
		}
	}
	return 0, fmt.Errorf("chunks of %v do not divide a segment of %v into whole pictures; use 66ms, 100ms, 133ms, 200ms or 500ms", d, SegmentDuration)
}

// Duration is the length in time, rounded down to the nanosecond.
func (c ChunkLength) Duration() time.Duration {
	return time.Duration(c) * time.Second / FrameRate
}

// Ticks is the length in a timescale; false where it is no whole number.
func (c ChunkLength) Ticks(timescale uint32) (ticks uint64, ok bool) {
	product := uint64(c) * uint64(timescale)
	return product / FrameRate, product > 0 && product%FrameRate == 0
}

// PerSegment is how many chunks make a segment.
func (c ChunkLength) PerSegment() int {
	return int(SegmentDuration/time.Second) * FrameRate / int(c)
}

// FrameRate is the constant frame rate of every rendition, in frames a second.
const FrameRate = 30

// WindowDuration is how far back viewers can go: the window kept in memory.
const WindowDuration = 60 * time.Second

// clockLead keeps media time above zero from the first frame on: AAC priming
// puts the first audio packet 1024 samples before it, and a first segment may
// be filled back by one.
const clockLead = 10 * time.Second

// Clock is a stream's clock. It is anchored when the stream is first prepared,
// stored with it, and never moved. Media time is wall time minus the anchor for
// every session, encoder run and server, so that segment n always covers the
// same instants and no number is ever used twice.
type Clock struct {
	Anchor time.Time
}

// NewClock anchors a clock for a stream prepared now, on a whole second.
func NewClock(now time.Time) Clock {
	// Subtracting keeps now's monotonic reading, so that a stepped system clock
	// moves no media time; Truncate would strip it.
	return Clock{Anchor: now.Add(-clockLead - time.Duration(now.Nanosecond()))}
}

// Resume gives a clock that was read from the store a monotonic reading, from
// which it runs on whatever the system clock does.
func (c Clock) Resume(now time.Time) Clock {
	return Clock{Anchor: now.Add(-now.Round(0).Sub(c.Anchor))}
}

// MediaTime is the media time at a wall time.
func (c Clock) MediaTime(wall time.Time) time.Duration { return wall.Sub(c.Anchor) }

// WallTime is the wall time of a media time.
func (c Clock) WallTime(media time.Duration) time.Time { return c.Anchor.Add(media) }

// NewServerClock is the one clock of a process, which all that players compare
// is read from: the wall time now plus what the monotonic clock counts from here.
// A system clock that is set while the server runs moves nothing; a new stream's
// clock would else part from the time that players are told.
func NewServerClock(wall func() time.Time) (now func() time.Time) {
	start, began := wall(), time.Now()
	return func() time.Time { return start.Add(time.Since(began)) }
}

// SegmentNumber is the number of the segment that covers a media time.
func SegmentNumber(media time.Duration) uint64 {
	return uint64(max(media, 0) / SegmentDuration)
}

// SegmentStart is the media time at which segment n starts.
func SegmentStart(n uint64) time.Duration { return time.Duration(n) * SegmentDuration }
