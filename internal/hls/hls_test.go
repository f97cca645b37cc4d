package hls_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

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

// The rules of parts and of what announces them (rfc8216bis, sections 4.4.3.7 to
// 4.4.5.4), over playlists of every moment of a stream.
func TestLowLatencyRules(t *testing.T) {
	p := live(t)
	s := p.Snapshot()
	for _, track := range s.Tracks() {
		t.Run(track.Name, func(t *testing.T) {
			text := hls.Media(track, s.Others(track.Name), false)
			target := number(t, text, `#EXT-X-PART-INF:PART-TARGET=([0-9.]+)\n`)
			holdBack := number(t, text, `,PART-HOLD-BACK=([0-9.]+)\n`)
			require.GreaterOrEqual(t, holdBack, 3*target)
			require.GreaterOrEqual(t, number(t, text, `,HOLD-BACK=([0-9.]+),`), 6.0)
			require.Contains(t, text, "CAN-BLOCK-RELOAD=YES")
			parts := regexp.MustCompile(`#EXT-X-PART:DURATION=([0-9.]+),URI="([^"]+)"(,INDEPENDENT=YES)?\n`).FindAllStringSubmatch(text, -1)
			require.NotEmpty(t, parts)
			for i, part := range parts {
				d, err := strconv.ParseFloat(part[1], 64)
				require.NoError(t, err)
				require.LessOrEqual(t, d, target, part[2])
				last := i+1 == len(parts) || strings.HasSuffix(parts[i+1][2], "-0.m4s")
				if part[3] == "" && !last {
					require.GreaterOrEqual(t, d, 0.85*target, part[2])
				}
				if strings.HasSuffix(part[2], "-0.m4s") {
					require.NotEmpty(t, part[3], "a segment starts with a key frame")
				}
			}
			require.Equal(t, 1, strings.Count(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\""+cmaf.ChunkName(track.Name, track.Next())+"\"\n"))
			require.Equal(t, len(s.Others(track.Name)), strings.Count(text, "#EXT-X-RENDITION-REPORT:URI="))
			for _, other := range s.Others(track.Name) {
				next := other.Next()
				require.Contains(t, text, `URI="`+hls.MediaName(other.Name)+`",LAST-MSN=`+strconv.FormatUint(next.Segment, 10)+",LAST-PART="+strconv.Itoa(next.Chunk-1)+"\n")
			}
		})
	}
	require.NoError(t, p.End())
	ended := hls.Media(p.Snapshot().Video[0], nil, false)
	for _, live := range []string{"PRELOAD-HINT", "RENDITION-REPORT", "#EXT-X-PART:"} {
		require.NotContains(t, ended, live)
	}
}

func number(t *testing.T, text, pattern string) float64 {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, found, pattern)
	n, err := strconv.ParseFloat(found[1], 64)
	require.NoError(t, err)
	return n
}

// long has been fed for longer than a window.
func long(t *testing.T) *cmaf.Presentation {
	t.Helper()
	p := cmaftest.NewPresentation(t)
	for shift := uint64(0); shift <= 72; shift += 8 {
		for _, name := range cmaftest.Renditions() {
			run := cmaftest.Shift(t, cmaftest.Encoded(t, name), shift)
			require.NoError(t, p.Track(name).Consume(t.Context(), bytes.NewReader(run)))
		}
	}
	return p
}

// Section 6.2.2: parts go from the playlist when they are three target durations
// from its end, and those of the last two segments are there.
func TestPartsAreListedNearTheEnd(t *testing.T) {
	p := long(t)
	for _, track := range p.Snapshot().Tracks() {
		text := hls.Media(track, nil, false)
		for _, s := range track.Window() {
			listed := strings.Contains(text, cmaf.ChunkName(track.Name, cmaf.Position{Segment: s.Number}))
			if listed {
				require.LessOrEqual(t, track.MediaEnd()-track.Time(s.Start), 3*hls.TargetDuration, "segment %d of %s", s.Number, track.Name)
			}
			if s.Number+2 >= track.Last().Number && !s.Missing() {
				require.True(t, listed, "segment %d of %s", s.Number, track.Name)
			}
		}
	}
}

// Section 6.2.5.1: what was known and the delta, put together, are the whole.
func TestDeltaUpdate(t *testing.T) {
	track := long(t).Snapshot().Video[0]
	full, delta := hls.Media(track, nil, false), hls.Media(track, nil, true)
	skipped := number(t, delta, `#EXT-X-SKIP:SKIPPED-SEGMENTS=([0-9]+)\n`)
	window := track.Window()
	first := window[int(skipped)]
	require.LessOrEqual(t, track.MediaEnd()-track.Time(first.End()), 6*hls.TargetDuration, "the first segment that stays")
	require.Greater(t, track.MediaEnd()-track.Time(window[int(skipped)-1].End()), 6*hls.TargetDuration-1)

	head, _, _ := strings.Cut(full, "#EXT-X-PROGRAM-DATE-TIME")
	headDelta, rest, _ := strings.Cut(delta, "#EXT-X-SKIP")
	require.Equal(t, head, headDelta)
	_, rest, _ = strings.Cut(rest, "\n")
	require.True(t, strings.HasSuffix(full, rest), "tags of segments that stay are all there")
	old := strings.TrimSuffix(strings.TrimPrefix(full, head), rest)
	require.Equal(t, int(skipped), strings.Count(old, "#EXTINF"))
	require.Equal(t, full, head+old+rest)

	require.NotContains(t, hls.Media(live(t).Snapshot().Video[0], nil, true), "#EXT-X-SKIP", "nothing to leave out")
}

// nowhere is a shelf that takes everything and gives nothing.
type nowhere struct{}

func (nowhere) Put(string, *cmaf.Segment) error                { return nil }
func (nowhere) Open(string, uint64) (io.ReadSeekCloser, error) { return nil, io.EOF }
func (nowhere) Drop(string, uint64) error                      { return nil }

// day is a track whose window is a day, full. Most of it is a hole, which takes as
// many lines and one more.
func day(tb testing.TB) *cmaf.Track {
	tb.Helper()
	ladder, err := sluice.NewLadder("360")
	require.NoError(tb, err)
	const window = 24 * time.Hour
	p := cmaf.NewPresentation(cmaf.Config{Clock: cmaftest.Clock(), Ladder: ladder, Chunk: 6, Window: window, Shelf: nowhere{}})
	track := p.Track("360")
	for _, shift := range []uint64{0, uint64(window.Seconds())} {
		run := cmaftest.Shift(tb, cmaftest.Encoded(tb, "360"), shift)
		require.NoError(tb, track.Consume(tb.Context(), bytes.NewReader(run)))
	}
	require.Len(tb, track.Snapshot().Window(), 43_200)
	return track
}

// What a part costs when somebody asks for the playlist of a day.
func BenchmarkMediaOfADay(b *testing.B) {
	t := day(b).Snapshot()
	for name, delta := range map[string]bool{"whole": false, "delta": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.SetBytes(int64(len(hls.Media(t, nil, delta))))
			}
		})
	}
}
