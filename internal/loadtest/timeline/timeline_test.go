package timeline_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/dash"
	"github.com/sluicelive/sluice/internal/loadtest/timeline"
)

func from(tb testing.TB) *url.URL {
	tb.Helper()
	u, err := url.Parse("https://live.test/a/manifest.mpd?token=1")
	require.NoError(tb, err)
	return u
}

func parse(t *testing.T, text string) *timeline.Presentation {
	t.Helper()
	p, err := timeline.Parse([]byte(text), from(t))
	require.NoError(t, err)
	return p
}

// mpd is a live MPD around periods.
func mpd(inside string) string {
	return `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="2026-02-03T12:00:00Z" ` +
		`minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT1M" suggestedPresentationDelay="PT4S">` + inside + `</MPD>`
}

// set is a period of one representation whose template has these attributes.
func set(template string) string {
	return `<Period id="1" start="PT10S"><AdaptationSet contentType="video"><SegmentTemplate ` + template +
		`<Representation id="v1" bandwidth="1000" height="360"/></AdaptationSet></Period>`
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func TestSegments(t *testing.T) {
	type want struct {
		url        string
		start, end float64
		available  float64
	}
	const timed = `media="$Time$.m4s" timescale="10"><SegmentTimeline>`
	for name, tc := range map[string]struct {
		mpd  string
		at   float64
		want *want // none when nil
	}{
		"by number": {
			mpd(set(`media="v-$Number$.m4s" duration="2" startNumber="5"/>`)), 13,
			&want{"https://live.test/a/v-6.m4s", 12, 14, 14},
		},
		"numbers start at 1": {mpd(set(`media="$Number$.m4s" duration="2"/>`)), 10, &want{"https://live.test/a/1.m4s", 10, 12, 12}},
		"a time before the period is its start": {
			mpd(set(`media="$Number$.m4s" duration="2"/>`)), 3,
			&want{"https://live.test/a/1.m4s", 10, 12, 12},
		},
		"available early": {
			mpd(set(`media="$Number$.m4s" duration="2" availabilityTimeOffset="1.8"/>`)), 10,
			&want{"https://live.test/a/1.m4s", 10, 12, 10.2},
		},
		"the presentation time offset shifts times, not numbers": {
			mpd(set(`media="$Number$.m4s" timescale="90000" duration="180000" startNumber="50" presentationTimeOffset="9000000"/>`)), 12,
			&want{"https://live.test/a/51.m4s", 12, 14, 14},
		},
		"a length that divides no second": {
			mpd(set(`media="$Number$.m4s" timescale="30000" duration="60060"/>`)), 10 + 2.002*1e6,
			&want{"https://live.test/a/1000001.m4s", 10 + 2.002*1e6, 10 + 2.002*1000001, 10 + 2.002*1000001},
		},
		"all identifiers": {
			mpd(set(`media="$RepresentationID$/$Bandwidth$-$Number%06d$-$$-$Odd$.m4s" duration="2"/>`)), 10,
			&want{"https://live.test/a/v1/1000-000001-$-$Odd$.m4s", 10, 12, 12},
		},
		"past the last number": {mpd(set(`media="$Number$.m4s" duration="2" endNumber="3"/>`)), 16, nil},
		"a timeline": {
			mpd(set(timed + `<S t="0" d="20" r="2"/><S d="10"/></SegmentTimeline></SegmentTemplate>`)), 16.5,
			&want{"https://live.test/a/60.m4s", 16, 17, 17},
		},
		"a timeline's hole goes on after it": {
			mpd(set(timed + `<S t="0" d="20"/><S t="50" d="20"/></SegmentTimeline></SegmentTemplate>`)), 13,
			&want{"https://live.test/a/50.m4s", 15, 17, 17},
		},
		"a timeline's end": {mpd(set(timed + `<S t="0" d="20"/></SegmentTimeline></SegmentTemplate>`)), 12, nil},
		"a run that repeats to the next": {
			mpd(set(timed + `<S t="0" d="20" r="-1"/><S t="40" d="10"/></SegmentTimeline></SegmentTemplate>`)), 14,
			&want{"https://live.test/a/40.m4s", 14, 15, 15},
		},
		"a run that repeats without an end": {
			mpd(set(timed + `<S t="0" d="20" r="-1"/></SegmentTimeline></SegmentTemplate>`)), 1010,
			&want{"https://live.test/a/10000.m4s", 1010, 1012, 1012},
		},
		"base addresses go down": {
			mpd(`<BaseURL availabilityTimeOffset="0.5">https://cdn.test/x/</BaseURL><Period start="PT0S"><BaseURL>y/</BaseURL><SegmentTemplate media="$Number$.m4s" duration="2"/>` +
				`<AdaptationSet mimeType="video/mp4"><BaseURL>/z/</BaseURL><Representation id="v"><BaseURL>r/</BaseURL></Representation></AdaptationSet></Period>`), 0,
			&want{"https://cdn.test/z/r/1.m4s", 0, 2, 1.5},
		},
		"templates inherit": {
			mpd(`<Period start="P0DT0H0M0.0S"><SegmentTemplate timescale="10" duration="20"/><AdaptationSet mimeType="video/mp4"><SegmentTemplate media="a-$Number$" startNumber="3"/>` +
				`<Representation id="v"><SegmentTemplate media="b-$Number$"/></Representation></AdaptationSet></Period>`), 0,
			&want{"https://live.test/a/b-3", 0, 2, 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			period, ok := parse(t, tc.mpd).Period(seconds(tc.at))
			require.True(t, ok)
			require.Len(t, period.Video, 1)
			s, ok := period.Video[0].Segment(seconds(tc.at))
			require.Equal(t, tc.want != nil, ok)
			if tc.want == nil {
				return
			}
			require.Equal(t, tc.want.url, s.URL)
			for what, pair := range map[string][2]time.Duration{
				"start": {seconds(tc.want.start), s.Start}, "end": {seconds(tc.want.end), s.End}, "available": {seconds(tc.want.available), s.Available},
			} {
				require.InDelta(t, pair[0].Seconds(), pair[1].Seconds(), 1e-6, what)
			}
		})
	}
}

// The end of a segment is the start of the next, over a day of odd lengths.
func TestSegmentsFollow(t *testing.T) {
	period, _ := parse(t, mpd(set(`media="$Number$" timescale="44100" duration="88199"/>`))).Period(0)
	at, number := 10*time.Second, uint64(1)
	for range 43_200 {
		s, ok := period.Video[0].Segment(at)
		require.True(t, ok)
		require.Equal(t, number, s.Number)
		at, number = s.End, number+1
	}
}

func TestPeriods(t *testing.T) {
	template := `<AdaptationSet contentType="audio"><SegmentTemplate media="$Number$" duration="2"/><Representation id="a"/></AdaptationSet>`
	p := parse(t, mpd(`<Period start="PT10S" duration="PT4S">`+template+`</Period><Period>`+template+`</Period><Period start="PT20S">`+template+`</Period>`))
	for i, want := range [][2]time.Duration{{seconds(10), seconds(14)}, {seconds(14), seconds(20)}, {seconds(20), timeline.Open}} {
		require.Equal(t, want, [2]time.Duration{p.Periods[i].Start, p.Periods[i].End})
	}
	for at, want := range map[float64]int{0: 0, 13.9: 0, 14: 1, 19: 1, 20: 2, 1e6: 2} {
		period, ok := p.Period(seconds(at))
		require.True(t, ok)
		require.Equal(t, p.Periods[want].Start, period.Start)
	}
	last, ok := p.Periods[0].Audio[0].Segment(seconds(13))
	require.True(t, ok)
	require.Equal(t, seconds(14), last.End)
	_, ok = p.Periods[0].Audio[0].Segment(seconds(14))
	require.False(t, ok, "a segment of the next period is not this one's")
}

func TestPresentation(t *testing.T) {
	p := parse(t, mpd(`<Location>https://else.test/m.mpd</Location>`+set(`media="$Number$" initialization="i-$RepresentationID$.mp4" duration="2"/>`)+
		`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="/time"/><UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-02-03T12:00:05Z"/>`))
	require.True(t, p.Live)
	require.Equal(t, 2*time.Second, p.Update)
	require.Equal(t, time.Minute, p.Window)
	require.Equal(t, 4*time.Second, p.Delay)
	require.Equal(t, "https://else.test/m.mpd", p.Next)
	require.Equal(t, []timeline.Clock{
		{Scheme: "urn:mpeg:dash:utc:http-iso:2014", Value: "https://live.test/time"},
		{Scheme: "urn:mpeg:dash:utc:direct:2014", Value: "2026-02-03T12:00:05Z"},
	}, p.Clocks)
	require.Equal(t, "https://live.test/a/i-v1.mp4", p.Periods[0].Video[0].Init)

	p = parse(t, mpd(`<ServiceDescription id="0"><Latency target="700"/></ServiceDescription>`+set(`media="$Number$" duration="2"/>`)))
	require.Equal(t, 700*time.Millisecond, p.Delay, "a target latency goes before")
	p = parse(t, strings.Replace(mpd(set(`media="$Number$" duration="2"/>`)), `minimumUpdatePeriod="PT2S"`, `minimumUpdatePeriod="PT0S"`, 1))
	require.Equal(t, time.Second, p.Update, "as often as it takes")
}

func TestNoMPD(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"a page":          "<html><body>",
		"no start":        `<MPD type="dynamic"><Period/></MPD>`,
		"no period":       mpd(""),
		"no root":         "text" + mpd("")[1:],
		"a bad length":    strings.Replace(mpd("<Period/>"), "PT2S", "P1Y", 1),
		"a huge timeline": mpd(set(`media="$Time$"><SegmentTimeline>` + strings.Repeat(`<S d="1"/>`, 100_001) + `</SegmentTimeline></SegmentTemplate>`)),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := timeline.Parse([]byte(text), from(t))
			if name == "a huge timeline" {
				require.NoError(t, err)
				require.Empty(t, p.Periods[0].Video, "a representation that cannot be played")
				return
			}
			require.ErrorIs(t, err, timeline.ErrMPD)
		})
	}
}

// What the house writes is what is read.
func TestOurOwn(t *testing.T) {
	made := cmaftest.NewPresentation(t)
	cmaftest.Feed(t, made)
	s := made.Snapshot()
	text, err := dash.Form{}.MPD(s)
	require.NoError(t, err)
	require.True(t, timeline.Is([]byte(text)))
	p := parse(t, text)
	require.True(t, p.Start.Equal(s.Clock.WallTime(0)), "the timeline is the stream clock")
	period, ok := p.Period(s.MediaEnd())
	require.True(t, ok)
	require.Len(t, period.Video, 2)
	require.Len(t, period.Audio, 1)
	segment, ok := period.Video[1].Segment(103 * time.Second)
	require.True(t, ok)
	require.Equal(t, "https://live.test/a/"+cmaf.SegmentName("480", 51), segment.URL)
	require.Equal(t, sluice.SegmentStart(51), segment.Start)
	require.Equal(t, segment.Start+s.Chunk.Duration(), segment.Available)
	require.Zero(t, segment.Origin, "decode times are on the stream clock")

	require.NoError(t, made.End())
	text, err = dash.Form{}.MPD(made.Snapshot())
	require.NoError(t, err)
	p = parse(t, text)
	require.False(t, p.Live)
	require.Less(t, p.End(), timeline.Open)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(mpd(set(`media="$Number%05d$" duration="2"/>`))), int64(1e10))
	f.Add([]byte(mpd(set(`media="$Time$"><SegmentTimeline><S t="18446744073709551615" d="3" r="-1"/><S t="4" d="18446744073709551615" r="9"/></SegmentTimeline></SegmentTemplate>`))), int64(-1))
	f.Add([]byte(mpd(set(`media="$Time$"><SegmentTimeline><S t="5" d="3" r="-1"/></SegmentTimeline></SegmentTemplate>`))), int64(1e12))
	f.Fuzz(func(t *testing.T, text []byte, at int64) {
		p, err := timeline.Parse(text, from(t))
		if err != nil {
			return
		}
		for _, period := range p.Periods {
			for _, track := range append(period.Video, period.Audio...) {
				if s, ok := track.Segment(time.Duration(at)); ok && s.End < s.Start {
					t.Fatalf("a segment that ends before it starts: %+v", s)
				}
			}
		}
	})
}
