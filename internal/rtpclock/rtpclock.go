// Package rtpclock maps the RTP times of one publisher's tracks to media time
// on the stream clock.
//
// A track's first frame is placed where it arrived, so that nothing of the start
// waits or is lost. From then on the mapping is steered, slowly, towards a
// target: the least delayed arrivals of the last seconds, which also follow a
// publisher whose clock drifts; and, once sender reports (RFC 3550, section
// 6.4.1) came for both tracks, one skew between them, which brings audio and
// video into step. Reports are a stranger's word: those that contradict each
// other, or arrivals, are not believed. The mapping is stepped only in the first
// seconds, when a track's RTP time itself jumps, or when the network's delay has
// grown for good.
package rtpclock

import (
	"time"

	"github.com/sluicelive/sluice/internal/media"
)

const (
	// slew is the most by which a mapping is steered: a hundredth of real time,
	// 10 ms a second, which nobody hears.
	slew = 100
	// bucket is the length of the windows over which the least delay is taken.
	bucket = 5 * time.Second
	// lateBucket is how long every frame of a track must have been late before
	// the delay counts as grown for good.
	lateBucket = time.Second
	// maxLate is the lateness behind the mapping that is put up with.
	maxLate = 120 * time.Millisecond
	// maxEarly is how far a frame may lie ahead of its arrival. No network
	// delivers before the sender sent, so more means that RTP time jumped.
	maxEarly = 500 * time.Millisecond
	// maxSkew is how far reports may move a track from where it arrives. No
	// encoder is so much later than the other.
	maxSkew = time.Second
	// maxDrift is how far the sender's clock and RTP time may part between two
	// reports, besides a hundredth of the time between them.
	maxDrift = 100 * time.Millisecond
	// settle is how long after its first frame a track is stepped to its target:
	// the first frames may come in a burst, and few have seen them.
	settle = 10 * time.Second
	// leastStep is the least step; what is less is steered.
	leastStep = 20 * time.Millisecond
)

// Mapper maps the tracks of one session. It is not safe for concurrent use.
type Mapper struct {
	tracks [2]track
	skew   time.Duration // audio's offset less video's, by the reports
	skewed bool          // skew is set
}

// Map returns the media time of a frame that arrived at media time arrived.
// Within a track, times need not rise: a frame may come after its successor.
func (m *Mapper) Map(c media.Codec, rtp uint32, arrived time.Duration) time.Duration {
	t := &m.tracks[c.Kind()]
	t.rate = c.ClockRate()
	elapsed := t.unwrap(rtp)
	transit := arrived - elapsed
	if !t.begun {
		t.begun, t.offset, t.steered, t.settles = true, transit, arrived, arrived+settle
		t.late.reset(arrived)
	}
	t.least.add(transit, arrived, bucket)
	target := m.target(t)
	if m.steps(t, target, arrived) {
		t.offset, t.steered = target, arrived
	}
	t.steer(target, arrived)
	if held := max(0, target-t.least.value()); transit-t.offset < -maxEarly-held {
		t.restart(transit, arrived)
		t.settles = arrived + settle
		m.skewed = false // it was between RTP times, one of which is another now
	}
	t.catchUp(transit, arrived)
	return elapsed + t.offset
}

// SenderReport notes where a track's RTP time lies on the sender's clock.
func (m *Mapper) SenderReport(r media.SenderReport) {
	t := &m.tracks[r.Kind]
	if t.rate == 0 {
		return // no frame yet, so no RTP time to tie it to
	}
	if r.NTP.IsZero() {
		t.report = nil // the sender has no clock
		return
	}
	last := t.report
	t.report = &report{sender: r.NTP, elapsed: t.peek(r.RTPTime)}
	switch {
	case last == nil:
	case t.report.follows(last):
		t.confirmed, t.doubted = true, false
	default: // the clock was set, or is none
		m.skewed = m.skewed && t.confirmed
		t.confirmed, t.doubted = false, true
		m.tracks[1-r.Kind].report = nil // of the clock before
	}
	m.compare()
}

// compare takes the skew from the newest reports, if they can be believed.
func (m *Mapper) compare() {
	a, v := &m.tracks[media.Audio], &m.tracks[media.Video]
	if a.report == nil || v.report == nil || a.doubted || v.doubted {
		return
	}
	skew := a.report.sender.Sub(v.report.sender) - (a.report.elapsed - v.report.elapsed)
	if arrival := a.least.value() - v.least.value(); (skew - arrival).Abs() <= maxSkew {
		m.skew, m.skewed = skew, true
	}
}

// target is the offset to steer a track towards.
func (m *Mapper) target(t *track) time.Duration {
	a, v := &m.tracks[media.Audio], &m.tracks[media.Video]
	if !m.skewed || !a.begun || !v.begun {
		return t.least.value()
	}
	// Both tracks lie on the sender's clock. The later of the two transits, one
	// for each track's least delayed frames, keeps both from the future.
	audio := max(a.least.value(), v.least.value()+m.skew)
	if t == a {
		return audio
	}
	return audio - m.skew
}

// steps says whether a track goes to its target at once. It goes back to where
// frames arrive, after a start that was held up, and wherever two reports on each
// track agree that it belongs.
func (m *Mapper) steps(t *track, target, now time.Duration) bool {
	if now >= t.settles || (target-t.offset).Abs() < leastStep {
		return false
	}
	confirmed := m.tracks[media.Audio].confirmed && m.tracks[media.Video].confirmed
	return m.skewed && confirmed || !m.skewed && target < t.offset
}

// track is the mapping of one track. Times since its first frame are called
// elapsed; media time = elapsed + offset.
type track struct {
	rate  uint32
	first int64  // RTP time of the first frame, unwrapped
	last  uint32 // newest RTP time, as it came
	ticks int64  // newest RTP time, unwrapped
	begun bool

	offset  time.Duration // in force
	steered time.Duration // media time up to which it was steered
	settles time.Duration // media time up to which it may be stepped
	least   window        // least transit: arrived − elapsed
	late    lateness

	report    *report // the newest
	confirmed bool    // the one before it says the same
	doubted   bool    // it says something else
}

// report is a sender report: elapsed time on the track, and the sender's clock.
type report struct {
	sender  time.Time
	elapsed time.Duration
}

// follows says whether the sender's clock went on with RTP time since a report.
func (r *report) follows(last *report) bool {
	elapsed := r.elapsed - last.elapsed
	return (r.sender.Sub(last.sender) - elapsed).Abs() <= maxDrift+elapsed.Abs()/100
}

// unwrap returns the time since the track's first frame and remembers rtp as
// the newest.
func (t *track) unwrap(rtp uint32) time.Duration {
	if !t.begun {
		t.first, t.ticks, t.last = int64(rtp), int64(rtp), rtp
		return 0
	}
	elapsed := t.peek(rtp)
	t.ticks += int64(int32(rtp - t.last)) // the wrap is meant
	t.last = rtp
	return elapsed
}

// peek is unwrap without remembering.
func (t *track) peek(rtp uint32) time.Duration {
	ticks := t.ticks + int64(int32(rtp-t.last)) - t.first // the wrap is meant
	rate := int64(t.rate)
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate)*time.Second/time.Duration(rate)
}

// steer moves the offset towards the target by no more than the slew allows.
func (t *track) steer(target, now time.Duration) {
	most := (now - t.steered) / slew
	if most <= 0 {
		return
	}
	t.offset += min(max(target-t.offset, -most), most)
	t.steered = now
}

// catchUp moves the offset at once where steering would take too long: all
// frames have been late for a while.
func (t *track) catchUp(transit, now time.Duration) {
	if least, full := t.late.add(transit-t.offset, now); full && least > maxLate {
		t.restart(t.offset+least, now)
	}
}

// restart gives the mapping a new offset and forgets what led to the old one.
func (t *track) restart(offset, now time.Duration) {
	t.offset, t.steered = offset, now
	t.least = window{}
	t.least.add(offset, now, bucket)
	t.late.reset(now)
	t.report, t.confirmed, t.doubted = nil, false, false
}
