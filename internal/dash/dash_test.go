package dash_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/dash"
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

// presentation has been fed once, at its own time or later by some seconds.
func presentation(t *testing.T, runs ...uint64) *cmaf.Presentation {
	t.Helper()
	p := cmaftest.NewPresentation(t)
	for _, shift := range runs {
		for _, name := range cmaftest.Renditions() {
			run := cmaftest.Shift(t, cmaftest.Encoded(t, name), shift)
			require.NoError(t, p.Track(name).Consume(t.Context(), bytes.NewReader(run)))
		}
	}
	return p
}

func render(t *testing.T, p *cmaf.Presentation) string {
	t.Helper()
	text, err := dash.Form{}.MPD(p.Snapshot())
	require.NoError(t, err)
	checkStructure(t, text)
	checkSchema(t, text)
	return text
}

// conclude is what a player that was watching is told first of the end.
func conclude(t *testing.T, p *cmaf.Presentation) string {
	t.Helper()
	text, err := dash.Form{Concluding: true}.MPD(p.Snapshot())
	require.NoError(t, err)
	checkStructure(t, text)
	checkSchema(t, text)
	return text
}

func TestMPD(t *testing.T) {
	p := presentation(t, 0)
	live := render(t, p)
	golden(t, "live.mpd", live)

	t.Run("does not change while the stream runs", func(t *testing.T) {
		require.Equal(t, live, render(t, presentation(t, 0, 8, 16, 24, 32, 40)))
	})

	t.Run("goes on in a new period after a hole", func(t *testing.T) {
		holes := presentation(t, 0, 12, 30)
		golden(t, "holes.mpd", render(t, holes))
		require.NoError(t, holes.End())
		golden(t, "holes-ended.mpd", render(t, holes))
	})

	t.Run("ends before a hole that not all tracks came out of", func(t *testing.T) {
		holes := presentation(t, 0)
		run := cmaftest.Shift(t, cmaftest.Encoded(t, sluice.AudioName), 12)
		require.NoError(t, holes.Track(sluice.AudioName).Consume(t.Context(), bytes.NewReader(run)))
		require.NoError(t, holes.End())
		require.Len(t, parse(t, render(t, holes)).Periods, 1)
	})

	t.Run("forgets a hole that has left the window", func(t *testing.T) {
		long := presentation(t, 0, 12, 200, 208, 216, 224, 232, 240, 248, 256, 264, 272)
		require.Len(t, parse(t, render(t, long)).Periods, 1)
	})

	require.NoError(t, p.End())
	golden(t, "ended.mpd", render(t, p))
	golden(t, "concluding.mpd", conclude(t, p))

	t.Run("after the end, starts with what remains", func(t *testing.T) {
		long := presentation(t, 0, 8, 16, 24, 32, 40, 48, 56, 64, 72)
		running := parse(t, render(t, long))
		require.NoError(t, long.End())
		text := render(t, long)
		golden(t, "ended-long.mpd", text)
		require.Equal(t, running.AvailabilityStartTime, parse(t, text).AvailabilityStartTime, "on the same timeline")
	})

	t.Run("keeps its timeline when the first segments are forgotten", func(t *testing.T) {
		long := presentation(t, 0, 12, 200, 208, 216, 224, 232, 240, 248, 256, 264, 272)
		require.Equal(t, parse(t, live).AvailabilityStartTime, parse(t, render(t, long)).AvailabilityStartTime)
	})
}

// A player that was watching learns the end from an MPD that differs in nothing else
// from the one it has, and gets the static one after that.
func TestConcluding(t *testing.T) {
	p := presentation(t, 0, 12, 30)
	running := parse(t, render(t, p))
	require.Equal(t, render(t, p), conclude(t, p), "while it runs, there is one form")
	require.NoError(t, p.End())
	concluding, ended := parse(t, conclude(t, p)), parse(t, render(t, p))
	require.Equal(t, mpd.DYNAMIC_TYPE, concluding.GetType())
	require.Less(t, string(running.PublishTime), string(concluding.PublishTime))
	require.Less(t, string(concluding.PublishTime), string(ended.PublishTime))
	require.Equal(t, ended.MediaPresentationDuration, concluding.MediaPresentationDuration)
	require.NotNil(t, concluding.MinimumUpdatePeriod, "the static one is to be asked for")
	require.Len(t, concluding.Periods, len(running.Periods))
	for i, period := range running.Periods {
		require.Equal(t, *period.Start, *concluding.Periods[i].Start)
		require.Equal(t, period.Id, concluding.Periods[i].Id)
		require.Equal(t, period.AdaptationSets[0].SegmentTemplate, concluding.Periods[i].AdaptationSets[0].SegmentTemplate)
	}
}

func TestNotPlayable(t *testing.T) {
	_, err := dash.Form{}.MPD(presentation(t).Snapshot())
	require.Error(t, err)
}

// Decode times of the first segment listed must fall on the place that the MPD
// gives it.
func TestTimelineIsTheClock(t *testing.T) {
	p := presentation(t, 0)
	m := parse(t, render(t, p))
	require.Equal(t, string(m.AvailabilityStartTime), cmaftest.Clock().WallTime(0).Format("2006-01-02T15:04:05.000Z"))
	require.Equal(t, sluice.SegmentStart(50), time.Duration(*m.Periods[0].Start))
	for i, track := range []*cmaf.TrackSnapshot{p.Snapshot().Video[0], p.Snapshot().Audio} {
		template := m.Periods[0].AdaptationSets[i].SegmentTemplate
		segment := track.Segment(uint64(*template.StartNumber) + 1)
		presented := track.Time(segment.Start-*template.PresentationTimeOffset) + time.Duration(*m.Periods[0].Start)
		require.InDelta(t, sluice.SegmentStart(segment.Number).Seconds(), presented.Seconds(), 1024.0/48000)
		require.Equal(t, track.Time(segment.Start), presented, "presentation time is media time")
	}
}

// numberByFFmpeg is the segment that FFmpeg's DASH demuxer asks for at a time: its
// arithmetic, which is unsigned and in whole seconds (libavformat/dashdec.c,
// calc_cur_seg_no). It takes the period with the longest @duration, and no note of
// where that starts.
func numberByFFmpeg(t *testing.T, m *mpd.MPD, set int, now time.Time) uint64 {
	t.Helper()
	seconds := func(text mpd.DateTime) uint64 {
		at, err := time.Parse(time.RFC3339, string(text))
		require.NoError(t, err)
		return uint64(at.Unix())
	}
	var chosen *mpd.Period
	var longest uint64
	for _, period := range m.Periods {
		var long uint64
		if period.Duration != nil {
			long = uint64(time.Duration(*period.Duration).Seconds())
		}
		if long >= longest {
			chosen, longest = period, long
		}
	}
	template := chosen.AdaptationSets[set].SegmentTemplate
	timescale, ticks := uint64(*template.Timescale), uint64(*template.Duration)
	since := uint64(now.Unix()) - seconds(m.AvailabilityStartTime)
	if offset := *template.PresentationTimeOffset; offset != 0 {
		return uint64(*template.StartNumber) + (since*timescale-offset)/ticks
	}
	delay := uint64(time.Duration(*m.SuggestedPresentationDelay).Seconds())
	return uint64(*template.StartNumber) + (since-delay)*timescale/ticks
}

// FFmpeg, mpv, Kodi and Streamlink play at the live edge, from the first second on
// and however long before its first segment a stream was prepared.
func TestFFmpegFindsTheLiveEdge(t *testing.T) {
	for name, c := range map[string]struct {
		runs []uint64 // seconds after segment 50
		age  time.Duration
	}{
		"right after the start":          {[]uint64{0}, 3 * time.Second},
		"in the first minute":            {[]uint64{0}, 40 * time.Second},
		"after the first minute":         {[]uint64{0}, 200 * time.Second},
		"prepared minutes before":        {[]uint64{180}, 184 * time.Second},
		"prepared minutes before, later": {[]uint64{180}, 400 * time.Second},
		"after a hole":                   {[]uint64{0, 12}, 19 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, render(t, presentation(t, c.runs...)))
			at := sluice.SegmentStart(50) + c.age
			for set := range 2 {
				require.Equal(t, sluice.SegmentNumber(at), numberByFFmpeg(t, m, set, cmaftest.Clock().WallTime(at)))
			}
		})
	}
}

// Where players differ about relative addresses, they are absolute.
func TestAddressOfTheTime(t *testing.T) {
	for base, want := range map[string]string{"": "/time", "https://live.test:8443": "https://live.test:8443/time"} {
		text, err := dash.Form{Base: base}.MPD(presentation(t, 0).Snapshot())
		require.NoError(t, err)
		checkStructure(t, text)
		require.Equal(t, want, parse(t, text).UTCTimings[0].Value)
	}
}

func parse(t *testing.T, text string) *mpd.MPD {
	t.Helper()
	m, err := mpd.MPDFromBytes([]byte(text))
	require.NoError(t, err)
	return m
}

// checkStructure holds an MPD against the rules that players stop at.
func checkStructure(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, xml.Unmarshal([]byte(text), new(struct{})))
	m := parse(t, text)
	require.NotEmpty(t, m.PublishTime)
	dynamic := m.GetType() == mpd.DYNAMIC_TYPE
	goesOn := m.MediaPresentationDuration == nil
	require.True(t, dynamic || !goesOn)
	for i, period := range m.Periods {
		require.Equal(t, goesOn && i+1 == len(m.Periods), period.Duration == nil, "the last one goes on")
		checkPeriod(t, m, period)
	}
	require.Equal(t, dynamic, m.MinimumUpdatePeriod != nil)
	require.Equal(t, dynamic, m.TimeShiftBufferDepth != nil)
	require.Equal(t, dynamic, m.SuggestedPresentationDelay != nil)
	if last := m.Periods[len(m.Periods)-1]; !goesOn {
		require.Equal(t, *m.MediaPresentationDuration, *last.Start+*last.Duration, "the end of the last one")
	}
	if dynamic {
		require.Len(t, m.UTCTimings, 1)
		require.Greater(t, *m.TimeShiftBufferDepth, *m.SuggestedPresentationDelay)
	}
}

func checkPeriod(t *testing.T, m *mpd.MPD, period *mpd.Period) {
	t.Helper()
	dynamic := m.GetType() == mpd.DYNAMIC_TYPE
	require.NotEmpty(t, period.Id)
	require.NotNil(t, period.Start)
	require.Len(t, period.AdaptationSets, 2)
	for _, set := range period.AdaptationSets {
		require.NotNil(t, set.Id)
		template := set.SegmentTemplate
		if dynamic {
			checkLowLatency(t, m, period, set)
		}
		require.Nil(t, template.SegmentTimeline, "one way of addressing")
		require.Equal(t, sluice.SegmentDuration, time.Duration(*template.Duration)*time.Second/time.Duration(*template.Timescale))
		require.Equal(t, uint64(*template.StartNumber)*uint64(*template.Duration), *template.PresentationTimeOffset)
		require.NotEmpty(t, set.Representations)
		for _, r := range set.Representations {
			require.NotEmpty(t, r.Codecs)
			require.NotZero(t, r.Bandwidth)
		}
	}
}

// checkLowLatency holds an adaptation set against DASH-IF's low-latency rules.
func checkLowLatency(t *testing.T, m *mpd.MPD, period *mpd.Period, set *mpd.AdaptationSetType) {
	t.Helper()
	template := set.SegmentTemplate
	require.InDelta(t, 1.8, float64(template.AvailabilityTimeOffset), 0.001, "a segment less a chunk")
	require.False(t, *template.AvailabilityTimeComplete)
	require.Len(t, m.ServiceDescription, 1)
	target := *m.ServiceDescription[0].Latencies[0].Target
	require.Positive(t, target)

	require.Len(t, set.ProducerReferenceTimes, 1)
	reference := set.ProducerReferenceTimes[0]
	require.Equal(t, *set.Id, reference.Id, "unique")
	require.True(t, reference.Inband)
	require.Equal(t, m.UTCTimings[0], reference.UTCTiming)
	wall, err := time.Parse(time.RFC3339, reference.WallClockTime)
	require.NoError(t, err)
	presented := time.Duration(*period.Start) + time.Duration(reference.PresentationTime-*template.PresentationTimeOffset)
	start, err := time.Parse(time.RFC3339, string(m.AvailabilityStartTime))
	require.NoError(t, err)
	require.Equal(t, start.Add(presented), wall)

	require.Len(t, set.Resyncs, 1)
	require.True(t, set.Resyncs[0].Marker)
	between := time.Duration(*set.Resyncs[0].DT) * time.Second / time.Duration(*template.Timescale)
	require.GreaterOrEqual(t, between, 200*time.Millisecond)
	require.Less(t, between, time.Duration(target)*time.Millisecond)
}

// noSchema is said where MPDs cannot be held against the schema, and is a failure
// where CI is set.
const noSchema = "no MPD is held against the schema: xmllint or DASH-MPD.xsd is missing; name its folder in SLUICE_DASH_SCHEMA"

// checkSchema holds an MPD against MPEG's schema where it and xmllint are on
// the machine: SLUICE_DASH_SCHEMA names the folder with DASH-MPD.xsd, and
// shared/schema beside the repository is looked into without it.
func checkSchema(t *testing.T, text string) {
	t.Helper()
	xsd := schema()
	program, err := exec.LookPath("xmllint")
	if xsd == "" || err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), noSchema)
		t.Log(noSchema)
		return
	}
	xmllint := exec.CommandContext(t.Context(), program, "--nonet", "--noout", "--schema", xsd, "-") //nolint:gosec // a path of the tester's
	xmllint.Stdin = strings.NewReader(text)
	xmllint.Env = append(xmllint.Environ(), "XML_CATALOG_FILES="+catalog(t, filepath.Dir(xsd)))
	out, err := xmllint.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// catalog makes xmllint take the schema of XLink from the folder instead of
// from the internet.
func catalog(t *testing.T, folder string) string {
	t.Helper()
	folder, err := filepath.Abs(folder)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "catalog.xml")
	require.NoError(t, os.WriteFile(file, []byte(`<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
  <system systemId="http://www.w3.org/XML/2008/06/xlink.xsd" uri="file://`+folder+`/xlink.xsd"/>
  <uri name="http://www.w3.org/XML/2008/06/xlink.xsd" uri="file://`+folder+`/xlink.xsd"/>
</catalog>`), 0o600))
	return file
}

func schema() string {
	for _, folder := range []string{os.Getenv("SLUICE_DASH_SCHEMA"), "../../../shared/schema"} {
		xsd := filepath.Join(folder, "DASH-MPD.xsd")
		if _, err := os.Stat(xsd); folder != "" && err == nil { //nolint:gosec // a folder of the tester's
			return xsd
		}
	}
	return ""
}
