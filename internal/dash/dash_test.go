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
	text, err := dash.MPD(p.Snapshot())
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

func TestNotPlayable(t *testing.T) {
	_, err := dash.MPD(presentation(t).Snapshot())
	require.Error(t, err)
}

// Decode times of the first segment listed must fall on the place that the MPD
// gives it.
func TestTimelineIsTheClock(t *testing.T) {
	p := presentation(t, 0)
	m := parse(t, render(t, p))
	begun := sluice.SegmentStart(50)
	require.Equal(t, string(m.AvailabilityStartTime), cmaftest.Clock().WallTime(begun).Format("2006-01-02T15:04:05.000Z"))
	for i, track := range []*cmaf.TrackSnapshot{p.Snapshot().Video[0], p.Snapshot().Audio} {
		template := m.Periods[0].AdaptationSets[i].SegmentTemplate
		segment := track.Segment(uint64(*template.StartNumber) + 1)
		presented := track.Time(segment.Start-*template.PresentationTimeOffset) + time.Duration(*m.Periods[0].Start)
		require.InDelta(t, sluice.SegmentStart(segment.Number-50).Seconds(), presented.Seconds(), 1024.0/48000)
		require.Equal(t, track.Time(segment.Start)-begun, presented, "presentation time is media time since the first segment")
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
	for i, period := range m.Periods {
		require.Equal(t, i+1 == len(m.Periods), period.Duration == nil, "the last one goes on")
		checkPeriod(t, m, period)
	}
	require.Equal(t, dynamic, m.MinimumUpdatePeriod != nil)
	require.Equal(t, dynamic, m.TimeShiftBufferDepth != nil)
	require.Equal(t, dynamic, m.SuggestedPresentationDelay != nil)
	require.Equal(t, !dynamic, m.MediaPresentationDuration != nil)
	if last := m.Periods[len(m.Periods)-1]; !dynamic {
		require.Greater(t, *m.MediaPresentationDuration, *last.Start, "the end of the last one")
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
