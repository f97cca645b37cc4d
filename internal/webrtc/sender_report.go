package webrtc

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// reportInterval is how often a publisher of ours reports on each track.
const reportInterval = time.Second

// clock ties the times that a publisher gives its frames to the wall clock: one
// for all its tracks, whichever writes first. Reports say when a frame belongs,
// not when it was sent (RFC 3550, section 6.4.1), or the time that its encoder
// took would put sound and picture out of step.
type clock struct {
	once sync.Once
	zero time.Time
}

func (c *clock) wall(at time.Duration) time.Time {
	c.once.Do(func() { c.zero = time.Now().Add(-at) })
	return c.zero.Add(at)
}

// sent counts what a track sent, for its reports.
type sent struct {
	packets, octets uint32
	reported        time.Duration
	begun           bool
}

// due returns the report that is due with a frame at a time, or nil.
func (s *sent) due(at time.Duration, wall time.Time, ssrc, rtpTime uint32) *rtcp.SenderReport {
	if s.begun && at-s.reported < reportInterval {
		return nil
	}
	s.begun, s.reported = true, at
	return &rtcp.SenderReport{SSRC: ssrc, NTPTime: toNTP(wall), RTPTime: rtpTime, PacketCount: s.packets, OctetCount: s.octets}
}

// toNTP writes an NTP timestamp: seconds since 1900 in 32.32 fixed point.
func toNTP(t time.Time) uint64 {
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return uint64(t.Unix()-ntpEpoch)<<32 | fraction
}
