package sluice_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestClockStartsAboveZeroOnAWholeSecond(t *testing.T) {
	for _, nanoseconds := range []int{0, 1, 500_000_000, 999_999_999} {
		now := time.Date(2022, 2, 22, 10, 28, 20, nanoseconds, time.UTC)
		clock := sluice.NewClock(now)
		require.Zero(t, clock.Anchor.Nanosecond())
		media := clock.MediaTime(now)
		require.Equal(t, 10*time.Second+time.Duration(nanoseconds), media)
		require.Positive(t, sluice.SegmentNumber(media), "the first segment may be filled back by one")
		require.True(t, clock.WallTime(media).Equal(now), "wall and media time are each other's inverse")
	}
}

func TestClockRunsOnItsMonotonicReading(t *testing.T) {
	now := time.Now()
	// Round strips the monotonic reading; the wall reading is moved as by a step
	// of the system clock between the two.
	stored := sluice.Clock{Anchor: now.Round(0).Add(-time.Hour)}
	for _, test := range []struct {
		name  string
		clock sluice.Clock
		age   time.Duration
	}{
		{"new", sluice.NewClock(now), 10*time.Second + time.Duration(now.Nanosecond())},
		{"resumed", stored.Resume(now), time.Hour},
		{"resumed again", stored.Resume(now).Resume(now.Add(time.Minute)), time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NotEqual(t, test.clock.Anchor.Round(0), test.clock.Anchor, "it carries a monotonic reading")
			require.Equal(t, test.age, test.clock.MediaTime(now))
			require.Equal(t, test.age+time.Minute, test.clock.MediaTime(now.Add(time.Minute)))
		})
	}
}

func TestTheServerClockDoesNotFollowASystemClockThatIsSet(t *testing.T) {
	before := time.Now()
	wall := before
	now := sluice.NewServerClock(func() time.Time { return wall })
	wall = wall.Add(time.Hour)
	first := now()
	require.WithinDuration(t, before, first, time.Minute)
	require.NotEqual(t, first.Round(0), first, "it carries a monotonic reading")
	clock := sluice.NewClock(now())
	require.InDelta(t, 10*time.Second, clock.MediaTime(time.Now()), float64(2*time.Second), "frames arrive on the same clock")
	require.False(t, now().Before(first))
}

func TestResumeKeepsTheAnchor(t *testing.T) {
	anchor := time.Date(2022, 2, 22, 10, 28, 10, 0, time.UTC)
	resumed := sluice.Clock{Anchor: anchor}.Resume(time.Now())
	require.True(t, resumed.Anchor.Round(0).Equal(anchor), "%v", resumed.Anchor)
}

func TestSegmentNumbers(t *testing.T) {
	for _, test := range []struct {
		media time.Duration
		want  uint64
	}{
		{-time.Nanosecond, 0},
		{-time.Hour, 0},
		{0, 0},
		{2*time.Second - 1, 0},
		{2 * time.Second, 1},
		{10*time.Second + 500*time.Millisecond, 5},
		{24 * time.Hour, 43_200},
	} {
		require.Equal(t, test.want, sluice.SegmentNumber(test.media), "%v", test.media)
	}
	for _, n := range []uint64{0, 1, 5, 1 << 31} {
		start := sluice.SegmentStart(n)
		require.Equal(t, n, sluice.SegmentNumber(start), "a segment starts at its own first instant")
		require.Equal(t, n, sluice.SegmentNumber(start+sluice.SegmentDuration-1))
	}
}

func TestTheGridIsWhole(t *testing.T) {
	require.Zero(t, sluice.WindowDuration%sluice.SegmentDuration, "the window is a whole number of segments")
}

func TestChunkLength(t *testing.T) {
	for _, test := range []struct {
		d        time.Duration
		pictures sluice.ChunkLength
	}{
		{33 * time.Millisecond, 1},
		{66 * time.Millisecond, 2},
		{67 * time.Millisecond, 2},
		{100 * time.Millisecond, 3},
		{200 * time.Millisecond, 6},
		{time.Second, 30},
	} {
		c, err := sluice.NewChunkLength(test.d)
		require.NoError(t, err, "%v", test.d)
		require.Equal(t, test.pictures, c, "%v", test.d)
		require.Equal(t, 60, c.PerSegment()*int(c), "a segment is a whole number of chunks")
		ticks, ok := c.Ticks(90_000)
		require.True(t, ok)
		require.EqualValues(t, 3000*int(c), ticks)
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Millisecond, 150 * time.Millisecond, 233 * time.Millisecond, 2 * time.Second, time.Hour} {
		_, err := sluice.NewChunkLength(d)
		require.Error(t, err, "%v", d)
	}
	_, ok := sluice.ChunkLength(1).Ticks(1000)
	require.False(t, ok, "a third of a tick over")
}
