// Package rtpclock maps the RTP times of one publisher's tracks to media time
// on the stream clock.
//
// A track's first frame is placed where it arrived, so that nothing of the start
// waits or is lost. From then on the mapping is steered, slowly, towards a
// target: the least delayed arrivals of the last seconds, which also follow a
// publisher whose clock drifts; and, once sender reports (RFC 3550, section
// 6.4.1) came for both tracks, one common offset from the sender's clock, which
// brings audio and video into step. It is stepped only when a track's RTP time
// itself jumps, or when the network's delay has grown for good.
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
)

// Mapper maps the tracks of one session. It is not safe for concurrent use.
type Mapper struct {
	tracks [2]track
}

// Map returns the media time of a frame that arrived at media time arrived.
// Within a track, times need not rise: a frame may come after its successor.
func (m *Mapper) Map(c media.Codec, rtp uint32, arrived time.Duration) time.Duration {
	t := &m.tracks[c.Kind()]
	t.rate = c.ClockRate()
	elapsed := t.unwrap(rtp)
	transit := arrived - elapsed
	if !t.begun {
		t.begun, t.offset, t.steered = true, transit, arrived
		t.late.reset(arrived)
	}
	t.least.add(transit, arrived, bucket)
	t.steer(m.target(t), arrived)
	t.step(transit, arrived)
	return elapsed + t.offset
}

// SenderReport notes where a track's RTP time lies on the sender's clock.
func (m *Mapper) SenderReport(r media.SenderReport) {
	t := &m.tracks[r.Kind]
	if t.rate == 0 {
		return // no frame yet, so no RTP time to tie it to
	}
	t.report = &report{sender: r.NTP, elapsed: t.peek(r.RTPTime)}
}

// target is the offset to steer a track towards.
func (m *Mapper) target(t *track) time.Duration {
	a, v := &m.tracks[media.Audio], &m.tracks[media.Video]
	if a.report == nil || v.report == nil || !a.begun || !v.begun {
		return t.least.value()
	}
	// Both tracks lie on the sender's clock. The later of the two transits, one
	// for each track's least delayed frames, keeps both from the future.
	base := a.report.sender
	common := max(a.fromSender(base), v.fromSender(base))
	return common + t.report.sender.Sub(base) - t.report.elapsed
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
	least   window        // least transit: arrived − elapsed
	late    lateness
	report  *report
}

// report is a sender report: elapsed time on the track, and the sender's clock.
type report struct {
	sender  time.Time
	elapsed time.Duration
}

// fromSender is the offset, seen from this track alone, from the sender's time
// since base to media time.
func (t *track) fromSender(base time.Time) time.Duration {
	return t.least.value() + t.report.elapsed - t.report.sender.Sub(base)
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

// step moves the offset at once where steering would take too long.
func (t *track) step(transit, now time.Duration) {
	behind := transit - t.offset // how long after its place a frame came
	if behind < -maxEarly {
		t.restart(transit, now)
		return
	}
	if least, full := t.late.add(behind, now); full && least > maxLate {
		t.restart(t.offset+least, now)
	}
}

// restart gives the mapping a new offset and forgets what led to the old one.
func (t *track) restart(offset, now time.Duration) {
	t.offset, t.steered = offset, now
	t.least = window{}
	t.least.add(offset, now, bucket)
	t.late.reset(now)
	t.report = nil
}
