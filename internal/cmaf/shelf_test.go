package cmaf

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// noShelf stands for one: the window asks it for nothing.
type noShelf struct{}

func (noShelf) Put(string, *Segment) error                     { return nil }
func (noShelf) Open(string, uint64) (io.ReadSeekCloser, error) { return nil, io.EOF }
func (noShelf) Drop(string, uint64) error                      { return nil }

// shelving is a track with a window of three minutes, of which one is in memory.
func shelving() *Track {
	return newTrack("360", media.Video, Config{
		Clock: sluice.Clock{Anchor: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)},
		Chunk: 6, Window: 3 * time.Minute, Keep: DefaultKeep, Shelf: noShelf{},
	})
}

func TestWindowOnTheShelf(t *testing.T) {
	track := shelving()
	const made = 120 // segments
	for n := range uint64(made) {
		require.NoError(t, feed(t, track, pictures(t, sec100+n*segTicks, 60)))
		if n != 70 { // the shelf could not take that one
			track.NoteShelved(50 + n)
		}
	}
	s := track.Snapshot()
	require.Len(t, s.Complete(), 36+1, "in memory: the window of a stream without a shelf")
	require.Len(t, s.Shelved, 60-1+1)
	window := s.Window()
	require.Len(t, window, 90, "three minutes are advertised")
	require.EqualValues(t, 50+made-1, window[len(window)-1].Number)
	for i, segment := range window {
		require.Equal(t, window[0].Number+uint64(i), segment.Number, "without a hole")
		require.Same(t, segment, s.Segment(segment.Number))
	}
	require.True(t, s.Shelved[0].Shelved)
	require.Empty(t, s.Shelved[0].Chunks, "memory is let go")
	require.EqualValues(t, segTicks, s.Shelved[0].Duration)
	require.NotZero(t, s.Shelved[0].Size)

	require.NoError(t, track.End())
	track.Unload()
	ended := track.Snapshot()
	require.EqualValues(t, 50+made-1, ended.Last().Number)
	require.True(t, ended.Segment(50+70).Missing(), "what the shelf could not take is a hole")
	require.Equal(t, s.MediaEnd(), ended.MediaEnd())
	require.Len(t, ended.Window(), 90)
	for _, segment := range ended.Segments {
		require.True(t, segment.Shelved)
		require.Empty(t, segment.Chunks, "memory is let go")
		require.NotZero(t, segment.Size)
	}
}

// What the shelf could not take stays in memory after the end, however old it is.
func TestUnloadKeepsWhatIsNowhereElse(t *testing.T) {
	track := shelving()
	for n := range uint64(3) {
		require.NoError(t, feed(t, track, pictures(t, sec100+n*segTicks, 60)))
	}
	track.NoteShelved(51)
	require.NoError(t, track.End())
	before := track.Snapshot()
	track.Unload()
	s := track.Snapshot()
	require.Same(t, before.Segment(50), s.Segment(50))
	require.True(t, s.Segment(51).Shelved)
	require.Empty(t, s.Segment(51).Bytes)
	require.Same(t, before.Segment(52), s.Segment(52), "the live edge")
	require.NotEmpty(t, before.Segment(51).Bytes, "snapshots keep theirs")
}

// A disk so slow that memory was let go meanwhile is of no use any more.
func TestShelvedTooLate(t *testing.T) {
	track := shelving()
	const made = 40 // segments
	for n := range uint64(made) {
		require.NoError(t, feed(t, track, pictures(t, sec100+n*segTicks, 60)))
	}
	oldest := track.Snapshot().Segments[0].Number
	require.True(t, track.Snapshot().Segment(oldest-1).Missing())
	for _, number := range []uint64{0, oldest - 1, oldest, 50 + made} {
		track.NoteShelved(number)
	}
	require.Equal(t, map[uint64]bool{oldest: true}, track.window.written, "what is not in memory is not held against it")
	require.True(t, track.Snapshot().Segment(oldest-1).Missing())
}
