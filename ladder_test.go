package sluice_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestNewLadder(t *testing.T) {
	for quality, want := range map[sluice.Quality][]string{
		"360":  {"360"},
		"480":  {"360", "480"},
		"720":  {"360", "480", "720"},
		"1080": {"360", "480", "720", "1080"},
	} {
		ladder, err := sluice.NewLadder(quality)
		require.NoError(t, err)
		names := make([]string, 0, len(want))
		for _, rendition := range ladder {
			names = append(names, rendition.Name)
		}
		require.Equal(t, want, names, "lowest first, up to the quality")
		require.Equal(t, string(quality), ladder.Top().Name)
	}
	require.Equal(t, []string{"360", "480", "720", "1080"}, sluice.Qualities())
	require.Contains(t, sluice.Qualities(), string(sluice.DefaultQuality))
}

func TestNewLadderRefuses(t *testing.T) {
	for _, quality := range []sluice.Quality{"", "0", "240", "720p", " 720", "4k"} {
		_, err := sluice.NewLadder(quality)
		require.Equal(t, "quality_invalid", sluice.AsError(err).Code, "%q", quality)
		require.ErrorContains(t, err, "360, 480, 720, 1080", "the message says what there is")
	}
}

func TestLaddersAreTheirOwn(t *testing.T) {
	first, err := sluice.NewLadder("360")
	require.NoError(t, err)
	first[0].Bitrate = 1
	second, err := sluice.NewLadder("360")
	require.NoError(t, err)
	require.Equal(t, 800_000, second[0].Bitrate)
}

// Each rendition fits the level it declares: frame size, macroblocks a second
// and bits a second (Rec. ITU-T H.264, table A-1), the last times 1.25 in the
// High profile (A.3.3).
func TestRenditionsFitTheirLevels(t *testing.T) {
	limits := map[string]struct{ frame, second, kilobits int }{
		"3.0": {1_620, 40_500, 10_000},
		"3.1": {3_600, 108_000, 14_000},
		"4.0": {8_192, 245_760, 20_000},
	}
	ladder, err := sluice.NewLadder("1080")
	require.NoError(t, err)
	for _, r := range ladder {
		limit, known := limits[r.Level]
		require.True(t, known, r.Level)
		macroblocks := ((r.Width + 15) / 16) * ((r.Height + 15) / 16)
		require.LessOrEqual(t, macroblocks, limit.frame, r.Name)
		require.LessOrEqual(t, macroblocks*sluice.FrameRate, limit.second, r.Name)
		require.LessOrEqual(t, r.Bitrate, limit.kilobits*1000, r.Name)
		require.Zero(t, r.Width%2, "4:2:0 halves both sides")
		require.Zero(t, r.Height%2, "4:2:0 halves both sides")
	}
	require.True(t, slices.IsSortedFunc(ladder, func(a, b sluice.Rendition) int { return a.Bitrate - b.Bitrate }))
}
