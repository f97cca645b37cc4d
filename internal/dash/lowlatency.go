package dash

import (
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
)

// What players are asked to aim at, from the encoder's input to the screen, and
// what they may do to get there (DASH-IF low-latency, clause 9.X.4.2).
const (
	targetLatency = 700 * time.Millisecond
	minLatency    = 300 * time.Millisecond
	maxLatency    = 4 * time.Second
	minRate       = 0.95
	maxRate       = 1.1
)

// serviceDescription is how the service is meant to be played (ISO/IEC 23009-1,
// annex K).
func serviceDescription() *mpd.ServiceDescriptionType {
	return &mpd.ServiceDescriptionType{
		Latencies: []*mpd.LatencyType{{
			ReferenceId: videoSet, // the id of its producer reference time
			Target:      milliseconds(targetLatency), Min: milliseconds(minLatency), Max: milliseconds(maxLatency),
		}},
		PlaybackRates: []*mpd.PlaybackRateType{{Min: minRate, Max: maxRate}},
	}
}

func milliseconds(d time.Duration) *uint32 { return mpd.Ptr(uint32(d.Milliseconds())) }

// chunked says that segments can be had while they are made, and what is in
// them: from one chunk after the segment's start on (ISO/IEC 23009-1, section
// 5.3.9.5.2), with a time of the producer's clock and a point to join at in each
// chunk.
func chunked(set *mpd.AdaptationSetType, in *cmaf.Init, s *cmaf.Snapshot, f Form, first uint64) {
	set.SegmentTemplate.AvailabilityTimeOffset = mpd.FloatInf64((sluice.SegmentDuration - s.Chunk.Duration()).Truncate(time.Millisecond).Seconds())
	set.SegmentTemplate.AvailabilityTimeComplete = mpd.Ptr(false)
	set.ProducerReferenceTimes = []*mpd.ProducerReferenceTimeType{{
		Id: *set.Id, Inband: true, Type: "encoder",
		WallClockTime:    string(dateTime(s.Clock.WallTime(sluice.SegmentStart(first)))),
		PresentationTime: *set.SegmentTemplate.PresentationTimeOffset,
		UTCTiming:        f.utcTiming(),
	}}
	set.Resyncs = []*mpd.ResyncType{{
		DT:     mpd.Ptr(uint32(cmaf.LongestChunk(in.Kind, s.Chunk).Milliseconds()) * in.Timescale / 1000),
		Marker: true,
	}}
}
