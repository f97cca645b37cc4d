package playback_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/loadtest/playback"
)

// at is a moment, in milliseconds; media times are counted the same way.
func at(ms int) time.Time { return time.UnixMilli(int64(ms)) }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// piece is media of a track that came at a moment.
type piece struct{ now, track, from, to int }

func TestPlayer(t *testing.T) {
	for name, tc := range map[string]struct {
		tracks  int
		head    int // placed at moment 0
		pieces  []piece
		now     int // when it is looked at
		playing bool
		at      int
		played  int
		stalls  playback.Stalls
	}{
		"nothing is there": {tracks: 1, head: 100, now: 500, at: 100},
		"it starts when its place is there, in the middle of a piece": {
			tracks: 1, head: 1500, pieces: []piece{{200, 0, 1000, 2000}},
			now: 600, playing: true, at: 1900, played: 400,
		},
		"pieces before its place do not start it": {
			tracks: 1, head: 1500, pieces: []piece{{200, 0, 1000, 1500}}, now: 600, at: 1500,
		},
		"it starts when all tracks are there": {
			tracks: 2, head: 1000, pieces: []piece{{100, 0, 1000, 2000}, {300, 1, 990, 2010}},
			now: 500, playing: true, at: 1200, played: 200,
		},
		"it runs on through pieces that follow each other": {
			tracks: 1, head: 0, pieces: []piece{{0, 0, 0, 200}, {150, 0, 200, 400}, {350, 0, 400, 600}},
			now: 500, playing: true, at: 500, played: 500,
		},
		"it stands still where a track ends": {
			tracks: 2, head: 0, pieces: []piece{{0, 0, 0, 1000}, {0, 1, 0, 300}},
			now: 800, at: 300, played: 300, stalls: playback.Stalls{Count: 1, Total: ms(500)},
		},
		"it goes on when there is more, later than before": {
			tracks: 1, head: 0, pieces: []piece{{0, 0, 0, 200}, {500, 0, 200, 1000}},
			now: 600, playing: true, at: 300, played: 300, stalls: playback.Stalls{Count: 1, Total: ms(300)},
		},
		"shorter than a picture is no stall, but delays": {
			tracks: 1, head: 0, pieces: []piece{{0, 0, 0, 200}, {220, 0, 200, 1000}},
			now: 600, playing: true, at: 580, played: 580,
		},
		"waiting to start is no stall": {
			tracks: 1, head: 0, pieces: []piece{{900, 0, 0, 200}},
			now: 1000, playing: true, at: 100, played: 100,
		},
		"rounding leaves no hole": {
			tracks: 1, head: 0, pieces: []piece{{0, 0, 0, 198}, {0, 0, 200, 400}},
			now: 300, playing: true, at: 300, played: 300,
		},
		"a hole with media behind it is stepped over": {
			tracks: 2, head: 0, pieces: []piece{{0, 0, 0, 200}, {0, 1, 0, 210}, {0, 0, 1000, 2000}, {0, 1, 1010, 2000}},
			now: 300, playing: true, at: 1100, played: 300,
		},
		"a hole is stepped over once all tracks have media behind it": {
			tracks: 2, head: 0, pieces: []piece{{0, 0, 0, 200}, {0, 1, 0, 200}, {0, 0, 1000, 2000}, {600, 1, 1000, 2000}},
			now: 700, playing: true, at: 1100, played: 300, stalls: playback.Stalls{Count: 1, Total: ms(400)},
		},
		"a place in a hole is moved to the media behind it": {
			tracks: 1, head: 0, pieces: []piece{{0, 0, 1000, 2000}},
			now: 100, playing: true, at: 1100, played: 100,
		},
		"a piece that came twice counts once": {
			tracks: 1, head: 0, pieces: []piece{{0, 0, 0, 400}, {0, 0, 0, 200}},
			now: 300, playing: true, at: 300, played: 300,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := playback.New(tc.tracks)
			p.Place(at(0), at(tc.head))
			for _, c := range tc.pieces {
				p.Buffer(at(c.now), c.track, at(c.from), at(c.to))
			}
			p.Advance(at(tc.now))
			head, placed := p.Head()
			require.True(t, placed)
			require.Equal(t, tc.playing, p.Playing())
			require.Equal(t, at(tc.at), head)
			require.Equal(t, ms(tc.played), p.Played())
			require.Equal(t, tc.stalls, p.Stalls(at(tc.now)))
			require.Equal(t, tc.played > 0, p.Started())
		})
	}
}

func TestAhead(t *testing.T) {
	p := playback.New(2)
	require.Zero(t, p.Ahead(0), "not placed")
	p.Place(at(0), at(1000))
	p.Buffer(at(0), 0, at(500), at(3000))
	require.Equal(t, ms(2000), p.Ahead(0))
	require.Zero(t, p.Ahead(1))
	p.Buffer(at(0), 1, at(500), at(3000))
	p.Advance(at(400))
	require.Equal(t, ms(1600), p.Ahead(0))
}

// A player that fell out of the window goes on at the live edge: what it
// buffered before is nothing to it, and the pause is a stall.
func TestPlaceAgain(t *testing.T) {
	p := playback.New(1)
	p.Place(at(0), at(0))
	p.Buffer(at(0), 0, at(0), at(1000))
	p.Place(at(400), at(9000))
	require.False(t, p.Playing())
	p.Buffer(at(700), 0, at(8000), at(10000))
	require.True(t, p.Playing())
	p.Advance(at(900))
	head, _ := p.Head()
	require.Equal(t, at(9200), head)
	require.Equal(t, playback.Stalls{Count: 1, Total: ms(300)}, p.Stalls(at(900)))
	require.Equal(t, ms(600), p.Played())
}

func TestFinish(t *testing.T) {
	p := playback.New(1)
	p.Place(at(0), at(0))
	p.Buffer(at(0), 0, at(0), at(1000))
	p.Advance(at(500))
	p.Finish()
	require.True(t, p.Playing(), "to the end of what is buffered")
	p.Advance(at(2000))
	require.False(t, p.Playing())
	require.Equal(t, ms(1000), p.Played())
	require.Zero(t, p.Stalls(at(2000)), "the end is no stall")
}

func TestFinishIsToldLate(t *testing.T) {
	p := playback.New(1)
	p.Place(at(0), at(0))
	p.Buffer(at(0), 0, at(0), at(1000))
	p.Advance(at(1500))
	require.Equal(t, playback.Stalls{Count: 1, Total: ms(500)}, p.Stalls(at(1500)))
	p.Finish()
	require.Zero(t, p.Stalls(at(9000)))
}
