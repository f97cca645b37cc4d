// Package dash writes the MPD of a packager's snapshot. The MPD is a function
// of the snapshot and a form, and while media come it does not change: segments
// are addressed by number and duration on the stream clock (ISO/IEC 23009-1,
// section 5.3.9.5.3), so that a player needs to be told of holes and of the end
// only.
package dash

import (
	"fmt"
	"slices"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
)

// Name is the file name of the MPD.
const Name = "manifest.mpd"

// TimePath is where the server that serves the MPD tells players its time.
const TimePath = "/time"

const (
	// updatePeriod is how often players ask again: how late they may learn of
	// the end.
	updatePeriod = 2 * time.Second
	// lastUpdatePeriod is after how long those that have been told the end ask once
	// more. dash.js does not ask sooner.
	lastUpdatePeriod = time.Second
	// presentationDelay is where players that know no target latency start.
	presentationDelay = time.Second / 2
	// maxSegment is a segment of sound, which may be longer than one of pictures
	// by less than an AAC frame: 1024 samples at 48 kHz, rounded up.
	maxSegment = sluice.SegmentDuration + 22*time.Millisecond
)

// Form is what an MPD depends on besides its snapshot.
type Form struct {
	// Base is the scheme and host that addresses begin with where players differ
	// about relative ones. Empty: they stay relative.
	Base string
	// Concluding is said where players may be watching that know only that the stream
	// runs. It is a form of an MPD that has ended.
	Concluding bool
}

// EndNotice is how long after a player was told that a stream runs it has to be
// told the end before it gets a static MPD: it asks again after updatePeriod, and a
// shared cache may have kept the answer for a second, and so may another before it.
const EndNotice = updatePeriod + 2500*time.Millisecond

// lowLatencyProfile is DASH-IF's, of low latency over chunked delivery.
const lowLatencyProfile = "http://www.dashif.org/guidelines/low-latency-live-v5"

// MPD is the MPD of a playable snapshot: dynamic while it runs, static once it
// has ended. In between it may be concluding: dynamic, with an end. Shaka Player
// takes an MPD that turns from one without an end into a static one for one whose
// times begin at zero, adds the start of its first period to the end, and never
// comes there. One whose end it knows stays where it is. Numbers that passed
// without media lie between two periods: a segment must not be missing within one
// (DASH-IF restricted timing model, segment loss).
func (f Form) MPD(s *cmaf.Snapshot) (string, error) {
	stretches := s.Stretches()
	if len(stretches) == 0 {
		return "", fmt.Errorf("dash: the snapshot is not playable")
	}
	m := mpd.NewMPD(mpd.DYNAMIC_TYPE)
	m.Profiles = mpd.PROFILE_LIVE + "," + lowLatencyProfile
	// The timeline is the stream clock. FFmpeg's demuxer, and what is built on it,
	// takes (now - availabilityStartTime - presentationTimeOffset) / duration plus
	// startNumber for the newest number, and no note of the period's start. With
	// another start of the timeline it would ask for other segments.
	m.AvailabilityStartTime = dateTime(s.Clock.WallTime(0))
	// Less than the meaning of @bandwidth in ISO/IEC 23009-1 asks for: the encoder
	// may spend a second's bits in advance, so a player on a line that takes the
	// declared bandwidth and no more may run dry with less than a second. But one
	// that waited for a second at its start would be so far behind, on any line.
	m.MinBufferTime = duration(s.Chunk.Duration())
	m.MaxSegmentDuration = duration(maxSegment)
	if s.Ended() {
		stretches = begun(stretches, s.MediaEnd())
	}
	var oldest uint64
	if f.static(s) {
		oldest = finish(m, s)
	} else {
		run(m, s, f, stretches[len(stretches)-1].First)
	}
	if s.Ended() && f.Concluding {
		conclude(m, s)
	}
	for _, stretch := range stretches {
		if stretch.Last >= oldest {
			m.AppendPeriod(period(s, f, stretch, max(stretch.First, oldest)))
		}
	}
	return m.WriteToString("  ", true)
}

// static reports whether the MPD of a snapshot is the last one.
func (f Form) static(s *cmaf.Snapshot) bool { return s.Ended() && !f.Concluding }

// run sets what a live MPD says, whose newest period starts with segment first.
// Availability is exact on the stream clock: the first chunk of segment n is
// nominally there a chunk after its start, and the origin lets requests wait for
// the part of a second that the pipeline takes.
func run(m *mpd.MPD, s *cmaf.Snapshot, f Form, first uint64) {
	m.PublishTime = dateTime(s.Clock.WallTime(sluice.SegmentStart(first + 1)))
	m.MinimumUpdatePeriod = duration(updatePeriod)
	m.TimeShiftBufferDepth = duration(s.Window)
	m.SuggestedPresentationDelay = duration(presentationDelay)
	m.ServiceDescription = []*mpd.ServiceDescriptionType{serviceDescription()}
	m.UTCTimings = []*mpd.DescriptorType{f.utcTiming()}
}

// conclude adds to a live MPD where it ends.
func conclude(m *mpd.MPD, s *cmaf.Snapshot) {
	m.PublishTime = dateTime(s.Clock.WallTime(s.MediaEnd()))
	m.MinimumUpdatePeriod = duration(lastUpdatePeriod)
	m.MediaPresentationDuration = duration(s.MediaEnd())
}

// utcTiming is the server's own clock, by the one scheme that all players take.
// Without any, dash.js asks a server of its own choice. A relative address is
// relative to the MPD for some players, to the page they are on for others
// (rx-player), and none at all for Media3.
func (f Form) utcTiming() *mpd.DescriptorType {
	return &mpd.DescriptorType{SchemeIdUri: "urn:mpeg:dash:utc:http-iso:2014", Value: f.Base + TimePath}
}

// finish makes the MPD static over what remains in the window, and returns that
// window's oldest segment. Media keep their places on the presentation timeline,
// so that a player that was watching goes on where it is.
func finish(m *mpd.MPD, s *cmaf.Snapshot) (oldest uint64) {
	m.Type = mpd.Ptr(mpd.STATIC_TYPE)
	m.PublishTime = dateTime(s.Clock.WallTime(s.MediaEnd() + lastUpdatePeriod)) // after the concluding one
	m.MediaPresentationDuration = duration(s.MediaEnd())                        // where the last period ends, too (ISO/IEC 23009-1, section 5.3.2.1)
	for _, t := range s.Tracks() {
		oldest = max(oldest, t.Window()[0].Number)
	}
	return oldest
}

// begun is the stretches that start before the end of the media, of which the
// last one lasts up to it: the newest may be a hole's end that not all tracks
// came to.
func begun(stretches []cmaf.Stretch, end time.Duration) []cmaf.Stretch {
	kept := slices.DeleteFunc(slices.Clone(stretches), func(s cmaf.Stretch) bool { return sluice.SegmentStart(s.First) >= end })
	if len(kept) > 0 {
		kept[len(kept)-1].Last = cmaf.Ongoing
	}
	return kept
}

// dateTime is xs:dateTime in UTC, to the millisecond.
func dateTime(t time.Time) mpd.DateTime {
	return mpd.DateTime(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func duration(d time.Duration) *mpd.Duration { return mpd.Ptr(mpd.Duration(d)) }
