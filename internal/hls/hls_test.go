package hls_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/hls"
)

var update = flag.Bool("update", false, "write the golden files") //nolint:gochecknoglobals // a flag of the test binary

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file) //nolint:gosec // a golden file
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func live(t *testing.T) *cmaf.Presentation {
	t.Helper()
	p := cmaftest.NewPresentation(t)
	cmaftest.Feed(t, p)
	return p
}

func TestPlaylists(t *testing.T) {
	p := live(t)
	s := p.Snapshot()
	golden(t, "master.m3u8", hls.Multivariant(s))
	golden(t, "live-360.m3u8", hls.Media(s.Video[0], s.Others("360"), false))
	golden(t, "live-audio.m3u8", hls.Media(s.Audio, s.Others("audio"), false))

	require.NoError(t, p.End())
	s = p.Snapshot()
	golden(t, "ended-360.m3u8", hls.Media(s.Video[0], s.Others("360"), false))
	golden(t, "ended-audio.m3u8", hls.Media(s.Audio, s.Others("audio"), false))
}

// A hole of whole segments keeps the numbers on the clock: the missing ones are
// marked, so that media sequence number and segment number stay the same.
func TestGap(t *testing.T) {
	p := cmaftest.NewPresentation(t)
	track := p.Track("360")
	for _, shift := range []uint64{0, 12} {
		run := cmaftest.Shift(t, cmaftest.Encoded(t, "360"), shift)
		require.NoError(t, track.Consume(t.Context(), bytes.NewReader(run)))
	}
	golden(t, "gap-360.m3u8", hls.Media(track.Snapshot(), nil, false))
}

// The rules that a player stops at, whatever the text around them.
func TestMediaRules(t *testing.T) {
	p := live(t)
	require.NoError(t, p.End())
	for _, track := range p.Snapshot().Tracks() {
		t.Run(track.Name, func(t *testing.T) {
			text := hls.Media(track, nil, false)
			require.True(t, strings.HasPrefix(text, "#EXTM3U\n"))
			for _, once := range []string{
				"#EXT-X-VERSION:", "#EXT-X-TARGETDURATION:2\n", "#EXT-X-MEDIA-SEQUENCE:50\n",
				"#EXT-X-DISCONTINUITY-SEQUENCE:0\n", "#EXT-X-MAP:", "#EXT-X-ENDLIST\n",
			} {
				require.Equal(t, 1, strings.Count(text, once), once)
			}
			durations := extinf(t, text)
			require.Len(t, durations, 4)
			require.Equal(t, 4, strings.Count(text, "#EXT-X-PROGRAM-DATE-TIME:"))
			var sum float64
			for _, d := range durations {
				require.Less(t, d, 2.5, "EXTINF rounds to the target duration")
				sum += d
			}
			last := track.Last()
			require.InDelta(t, track.Time(last.End()-track.Segments[0].Start).Seconds(), sum, 1.0/sluice.FrameRate)
		})
	}
}

func extinf(t *testing.T, text string) []float64 {
	t.Helper()
	found := regexp.MustCompile(`#EXTINF:([0-9.]+),`).FindAllStringSubmatch(text, -1)
	durations := make([]float64, 0, len(found))
	for _, m := range found {
		d, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		durations = append(durations, d)
	}
	return durations
}
