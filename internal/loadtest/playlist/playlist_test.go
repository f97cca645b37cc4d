package playlist_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/hls"
	"github.com/sluicelive/sluice/internal/loadtest/playlist"
)

const head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"

func parse(t *testing.T, text string) *playlist.Media {
	t.Helper()
	m, err := playlist.ParseMedia([]byte(text))
	require.NoError(t, err)
	return m
}

func noon(seconds float64) time.Time {
	return time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func TestParseMedia(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		check func(is *require.Assertions, m *playlist.Media)
	}{
		"segments": {head + "#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.002,title, with comma\na.ts?x=1,2\n#EXTINF:1.5,\nhttps://cdn.test/b.ts\n", func(is *require.Assertions, m *playlist.Media) {
			is.Equal(2*time.Second, m.Target)
			is.EqualValues(7, m.First)
			is.EqualValues(9, m.Next())
			is.Equal("a.ts?x=1,2", m.Segments[0].URI)
			is.Equal(2002*time.Millisecond, m.Segments[0].Duration)
			is.Equal("https://cdn.test/b.ts", m.Segments[1].URI)
		}},
		"lines may end as on Windows, and a byte order mark may come first": {
			"\ufeff#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n\r\n#EXTINF:2,\r\na.ts\r\n", func(is *require.Assertions, m *playlist.Media) {
				is.Equal("a.ts", m.Segments[0].URI)
			},
		},
		"server control and parts": {
			head + "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=0.6\n#EXT-X-PART-INF:PART-TARGET=0.2\n" +
				"#EXT-X-PART:DURATION=0.2,URI=\"p0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:URI=\"p1.m4s\",DURATION=0.19,GAP=YES\n" +
				"#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p2.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"i.mp4\"\n", func(is *require.Assertions, m *playlist.Media) {
				is.True(m.CanBlock)
				is.Equal(12*time.Second, m.SkipUntil)
				is.Equal(6*time.Second, m.HoldBack)
				is.Equal(600*time.Millisecond, m.PartHoldBack)
				is.Equal(200*time.Millisecond, m.PartTarget)
				is.Equal([]playlist.Part{
					{Resource: playlist.Resource{URI: "p0.m4s"}, Duration: 200 * time.Millisecond, Independent: true},
					{Resource: playlist.Resource{URI: "p1.m4s"}, Duration: 190 * time.Millisecond, Gap: true},
				}, m.Parts)
				is.Equal("p2.m4s", m.Hint.URI)
				is.Equal(600*time.Millisecond, m.Distance())
			},
		},
		"byte ranges go on where the one before ended": {
			head + "#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"100@0\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:1000@100\nall.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:500\nall.mp4\n" +
				"#EXT-X-PART:DURATION=1,URI=\"all.mp4\",BYTERANGE=\"50@1600\"\n#EXT-X-PART:DURATION=1,URI=\"all.mp4\",BYTERANGE=\"60\"\n" +
				"#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"all.mp4\",BYTERANGE-START=1710,BYTERANGE-LENGTH=5\n", func(is *require.Assertions, m *playlist.Media) {
				is.Equal(playlist.Resource{URI: "all.mp4", Length: 100}, m.Segments[0].Map)
				is.Equal(playlist.Resource{URI: "all.mp4", Offset: 100, Length: 1000}, m.Segments[0].Resource)
				is.Equal(playlist.Resource{URI: "all.mp4", Offset: 1100, Length: 500}, m.Segments[1].Resource)
				is.Equal(playlist.Resource{URI: "all.mp4", Offset: 1600, Length: 50}, m.Parts[0].Resource)
				is.Equal(playlist.Resource{URI: "all.mp4", Offset: 1650, Length: 60}, m.Parts[1].Resource)
				is.Equal(playlist.Resource{URI: "all.mp4", Offset: 1710, Length: 5}, m.Hint)
				is.Equal(m.Segments[0].Map, m.Map)
			},
		},
		"a hint without an end is none": {
			head + "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"all.mp4\",BYTERANGE-START=0\n", func(is *require.Assertions, m *playlist.Media) {
				is.Empty(m.Hint.URI)
			},
		},
		"times go forth and back from those that are written": {
			head + "#EXTINF:2,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-02-03T12:00:00.000Z\n#EXTINF:2,\nb\n#EXTINF:1.5,\nc\n#EXT-X-PART:DURATION=0.5,URI=\"d0\"\n", func(is *require.Assertions, m *playlist.Media) {
				is.True(m.Segments[0].At.Equal(noon(-2)))
				is.True(m.Segments[2].At.Equal(noon(2)))
				is.True(m.PartsAt.Equal(noon(3.5)))
				is.True(m.Edge().Equal(noon(4)))
			},
		},
		"a zone without a colon": {
			head + "#EXT-X-PROGRAM-DATE-TIME:2026-02-03T13:00:00.000+0100\n#EXTINF:2,\na\n", func(is *require.Assertions, m *playlist.Media) {
				is.True(m.Segments[0].At.Equal(noon(0)))
			},
		},
		"gaps, discontinuities and the end": {
			head + "#EXTINF:2,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"i2.mp4\"\n#EXT-X-GAP\n#EXTINF:2,\nb\n#EXT-X-ENDLIST\n", func(is *require.Assertions, m *playlist.Media) {
				is.True(m.Ended)
				is.False(m.Segments[0].Gap)
				is.True(m.Segments[1].Gap)
				is.Empty(m.Segments[0].Map)
				is.Equal("i2.mp4", m.Segments[1].Map.URI)
			},
		},
		"hold-back of whole segments": {head + "#EXTINF:2,\na\n", func(is *require.Assertions, m *playlist.Media) {
			is.Equal(6*time.Second, m.Distance())
		}},
	} {
		t.Run(name, func(t *testing.T) { tc.check(require.New(t), parse(t, tc.text)) })
	}
}

func TestNoMedia(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"a page":                "<html>",
		"no target duration":    "#EXTM3U\n#EXTINF:2,\na\n",
		"a bad target duration": "#EXTM3U\n#EXT-X-TARGETDURATION:-2\n",
		"a bad first number":    head + "#EXT-X-MEDIA-SEQUENCE:-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := playlist.ParseMedia([]byte(text))
			require.ErrorIs(t, err, playlist.ErrPlaylist)
		})
	}
}

func TestMultivariant(t *testing.T) {
	m, err := playlist.ParseMultivariant([]byte(`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch, laut",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",DEFAULT=YES,URI="en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="b",NAME="in it"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="a",NAME="s",URI="s.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,AUDIO="a"
360.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1900000,AUDIO="b",NAME="big"
# a comment
big.m3u8?token=a=b
#EXT-X-STREAM-INF:BANDWIDTH=100
all.m3u8
`))
	require.NoError(t, err)
	require.Equal(t, []playlist.Variant{
		{URI: "360.m3u8", Bandwidth: 900000, Height: 360, Audio: "a"},
		{URI: "big.m3u8?token=a=b", Name: "big", Bandwidth: 1900000, Audio: "b"},
		{URI: "all.m3u8", Bandwidth: 100},
	}, m.Variants)
	for i, want := range []string{"en.m3u8", "", ""} {
		audio, found := m.AudioOf(m.Variants[i])
		require.Equal(t, want, audio.URI)
		require.Equal(t, want != "", found)
	}
	_, err = playlist.ParseMultivariant([]byte(head))
	require.ErrorIs(t, err, playlist.ErrPlaylist, "no variant")
}

// walk is the addresses of the pieces from a position on.
func walk(m *playlist.Media, at playlist.Position) (uris []string) {
	for p, ok := m.Piece(at); ok; p, ok = m.Piece(p.Next) {
		uris = append(uris, p.URI)
	}
	return uris
}

const parted = head + `#EXT-X-PART-INF:PART-TARGET=1
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-PROGRAM-DATE-TIME:2026-02-03T12:00:00.000Z
#EXTINF:2,
s5
#EXT-X-PART:DURATION=1,URI="s6.0",INDEPENDENT=YES
#EXT-X-PART:DURATION=1,URI="s6.1"
#EXTINF:2,
s6
#EXT-X-PART:DURATION=1,URI="s7.0",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.5,URI="s7.1"
`

func TestPieces(t *testing.T) {
	m := parse(t, parted)
	for name, tc := range map[string]struct {
		at   playlist.Position
		want []string
	}{
		"whole segments, then parts":              {playlist.Position{Segment: 5}, []string{"s5", "s6.0", "s6.1", "s7.0", "s7.1"}},
		"after the last part of a segment":        {playlist.Position{Segment: 6, Part: 2}, []string{"s7.0", "s7.1"}},
		"parts that have left the list are whole": {playlist.Position{Segment: 5, Part: 1}, []string{"s5", "s6.0", "s6.1", "s7.0", "s7.1"}},
		"the part to come":                        {playlist.Position{Segment: 7, Part: 2}, nil},
		"the segment after it":                    {playlist.Position{Segment: 8}, nil},
		"what has left":                           {playlist.Position{Segment: 4}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, walk(m, tc.at))
			require.Equal(t, tc.at.Segment == 4, m.Left(tc.at))
		})
	}
	p, ok := m.Piece(playlist.Position{Segment: 7, Part: 1})
	require.True(t, ok)
	require.True(t, p.At.Equal(noon(5)))
	require.True(t, p.End().Equal(noon(5.5)))
}

func TestBehind(t *testing.T) {
	m := parse(t, parted)
	for name, tc := range map[string]struct {
		back time.Duration
		at   playlist.Position
		lag  time.Duration
	}{
		"a part that needs none before it": {1500 * time.Millisecond, playlist.Position{Segment: 7}, 1500 * time.Millisecond},
		"one that does starts earlier":     {500 * time.Millisecond, playlist.Position{Segment: 7}, 1500 * time.Millisecond},
		"in the middle of a segment":       {2 * time.Second, playlist.Position{Segment: 6}, 3500 * time.Millisecond},
		"a whole segment":                  {4 * time.Second, playlist.Position{Segment: 5}, 5500 * time.Millisecond},
		"more than there is":               {time.Minute, playlist.Position{Segment: 5}, 5500 * time.Millisecond},
		"a place that is yet to come":      {-time.Second, playlist.Position{Segment: 7}, 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			at, lag, ok := m.Behind(tc.back)
			require.True(t, ok)
			require.Equal(t, tc.at, at)
			require.Equal(t, tc.lag, lag)
		})
	}
	_, _, ok := parse(t, head).Behind(0)
	require.False(t, ok, "nothing to start with")
}

func TestMerge(t *testing.T) {
	old := parse(t, head+"#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:2,\ns5\n#EXTINF:2,\ns6\n#EXTINF:2,\ns7\n")
	delta := head + "#EXT-X-MEDIA-SEQUENCE:6\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXTINF:2,\ns8\n#EXT-X-PART:DURATION=1,URI=\"s9.0\"\n"
	m, err := parse(t, delta).Merge(old)
	require.NoError(t, err)
	require.Equal(t, []string{"s6", "s7", "s8", "s9.0"}, walk(m, playlist.Position{Segment: 6}))
	require.EqualValues(t, 9, m.Next())
	require.Equal(t, "i", m.Segments[2].Map.URI)
	require.Equal(t, "i", m.Map.URI)

	_, err = parse(t, delta).Merge(nil)
	require.ErrorIs(t, err, playlist.ErrPlaylist)
	_, err = parse(t, head+"#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n").Merge(old)
	require.ErrorIs(t, err, playlist.ErrPlaylist, "one of them is not known")
	whole, err := old.Merge(nil)
	require.NoError(t, err)
	require.Same(t, old, whole)
}

// What the house writes is what is read.
func TestOurOwn(t *testing.T) {
	p := cmaftest.NewPresentation(t)
	cmaftest.Feed(t, p)
	s := p.Snapshot()
	m, err := playlist.ParseMultivariant([]byte(hls.Multivariant(s)))
	require.NoError(t, err)
	require.Len(t, m.Variants, 2)
	audio, ok := m.AudioOf(m.Variants[0])
	require.True(t, ok)
	require.Equal(t, "streamaudio.m3u8", audio.URI)
	for _, track := range s.Tracks() {
		media := parse(t, hls.Media(track, s.Others(track.Name), false))
		next := track.Next()
		require.Equal(t, next.Segment, media.Next())
		require.Len(t, media.Parts, next.Chunk)
		require.WithinDuration(t, track.Clock.WallTime(track.MediaEnd()), media.Edge(), time.Millisecond)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(parted))
	f.Add([]byte(head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:2,\n#EXT-X-BYTERANGE:9223372036854775807@1\na\n#EXT-X-PART:URI=\"x\",DURATION=1e9\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-STREAM-INF:RESOLUTION=1x\na\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = playlist.ParseMultivariant(text)
		m, err := playlist.ParseMedia(text)
		if err != nil {
			return
		}
		for _, back := range []time.Duration{0, time.Second, time.Hour} {
			at, _, ok := m.Behind(back)
			if _, found := m.Piece(at); ok && !found {
				t.Fatal("a start that is not there")
			}
		}
		_, _ = m.Merge(m)
	})
}
