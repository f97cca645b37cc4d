package rtpclock

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

const ms = time.Millisecond

// publisher plays two tracks into a Mapper and says where their frames land.
type publisher struct {
	mapper     Mapper
	videoDelay time.Duration // of every picture, capture to arrival
	audioDelay time.Duration
	jitter     func() time.Duration
	drift      float64 // the publisher's clock runs this much faster
	videoRTP   uint32  // of capture time zero
	audioRTP   uint32
	reports    bool

	video, audio time.Duration // media time − capture time of the newest frames
}

// ntp is what the publisher's own clock, far from ours, says at a capture time.
func ntp(at time.Duration) time.Time {
	return time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC).Add(at)
}

func (p *publisher) play(from, to time.Duration) {
	for at := from; at < to; at += 20 * ms {
		own := time.Duration(float64(at) * (1 + p.drift))
		jitter := time.Duration(0)
		if p.jitter != nil {
			jitter = p.jitter()
		}
		p.audio = p.mapper.Map(media.Opus, p.audioRTP+ticks(own, 48_000), at+p.audioDelay+jitter) - at
		if at%(40*ms) == 0 {
			p.video = p.mapper.Map(media.VP8, p.videoRTP+ticks(own, 90_000), at+p.videoDelay+jitter) - at
		}
		if p.reports && at%time.Second == 0 {
			p.mapper.SenderReport(media.SenderReport{Kind: media.Audio, NTP: ntp(own), RTPTime: p.audioRTP + ticks(own, 48_000)})
			p.mapper.SenderReport(media.SenderReport{Kind: media.Video, NTP: ntp(own), RTPTime: p.videoRTP + ticks(own, 90_000)})
		}
	}
}

func ticks(d time.Duration, rate int64) uint32 {
	return uint32(int64(d) / 1000 * rate / 1_000_000)
}

func TestFirstFrameIsPlacedWhereItArrived(t *testing.T) {
	var m Mapper
	require.Equal(t, 7*time.Second, m.Map(media.VP8, 12345, 7*time.Second))
	require.Equal(t, 8*time.Second, m.Map(media.Opus, 99, 8*time.Second))
}

func TestFramesKeepTheirDistanceWhateverTheJitter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- repeatable on purpose
	p := publisher{audioDelay: 20 * ms, videoDelay: 20 * ms, jitter: func() time.Duration { return time.Duration(random.IntN(40)) * ms }}
	p.play(0, 20*time.Second)
	require.InDelta(t, 20*ms, p.audio, float64(5*ms), "settles on the least delayed arrivals")
	require.InDelta(t, 20*ms, p.video, float64(5*ms))
}

func TestSenderReportsBringTracksIntoStep(t *testing.T) {
	p := publisher{audioDelay: 10 * ms, videoDelay: 130 * ms, reports: true}
	p.play(0, time.Second)
	require.InDelta(t, 120*ms, p.video-p.audio, float64(15*ms), "at first each track lies where it arrived")
	p.play(time.Second, 20*time.Second)
	require.InDelta(t, 0, p.video-p.audio, float64(3*ms))
}

func TestWithoutReportsTracksStayWhereTheyArrive(t *testing.T) {
	p := publisher{audioDelay: 10 * ms, videoDelay: 30 * ms}
	p.play(0, 20*time.Second)
	require.InDelta(t, 20*ms, p.video-p.audio, float64(2*ms))
}

func TestSteeringIsSlow(t *testing.T) {
	p := publisher{audioDelay: 10 * ms, videoDelay: 200 * ms, reports: true}
	p.play(0, time.Second)
	before := p.audio
	p.play(time.Second, 2*time.Second)
	require.LessOrEqual(t, (p.audio - before).Abs(), time.Second/slew+ms, "10 ms a second, no more")
}

func TestADriftingPublisherIsFollowed(t *testing.T) {
	for name, drift := range map[string]float64{"fast": 200e-6, "slow": -200e-6} {
		t.Run(name, func(t *testing.T) {
			p := publisher{audioDelay: 20 * ms, videoDelay: 20 * ms, drift: drift, reports: true}
			p.play(0, 10*time.Minute) // 120 ms of drift
			require.InDelta(t, 20*ms, p.audio, float64(10*ms))
			require.InDelta(t, 20*ms, p.video, float64(10*ms))
		})
	}
}

func TestRTPTimeWraps(t *testing.T) {
	p := publisher{audioDelay: 20 * ms, videoDelay: 20 * ms, videoRTP: ^uint32(0) - 1000, audioRTP: ^uint32(0) - 48_000}
	p.play(0, 5*time.Second)
	require.InDelta(t, 20*ms, p.audio, float64(2*ms))
	require.InDelta(t, 20*ms, p.video, float64(2*ms))
}

func TestALongerWayForGoodIsAccepted(t *testing.T) {
	p := publisher{audioDelay: 20 * ms, videoDelay: 20 * ms}
	p.play(0, 10*time.Second)
	p.audioDelay, p.videoDelay = 420*ms, 420*ms
	p.play(10*time.Second, 13*time.Second)
	require.InDelta(t, 420*ms, p.audio, float64(60*ms), "not ten seconds of silence")
	require.InDelta(t, 420*ms, p.video, float64(60*ms))
}

func TestABurstAfterAStallMovesNothing(t *testing.T) {
	var m Mapper
	at := func(i int) time.Duration { return time.Duration(i) * 20 * ms }
	for i := range 500 {
		m.Map(media.Opus, uint32(i*960), at(i))
	}
	for i := 500; i < 540; i++ { // 0.8 s of sound in one moment
		m.Map(media.Opus, uint32(i*960), at(540))
	}
	for i := 540; i < 600; i++ {
		require.InDelta(t, at(i), m.Map(media.Opus, uint32(i*960), at(i)), float64(3*ms))
	}
}

func TestAJumpOfRTPTimeStartsAnew(t *testing.T) {
	var m Mapper
	m.Map(media.VP8, 1000, time.Second)
	got := m.Map(media.VP8, 1000+90_000*3600, 2*time.Second) // a replaced track
	require.Equal(t, 2*time.Second, got)
}

func FuzzMap(f *testing.F) {
	f.Add(uint32(1), uint32(5000), int64(20), int64(40))
	f.Fuzz(func(t *testing.T, a, b uint32, x, y int64) {
		var m Mapper
		x, y = x&(1<<40-1), y&(1<<40-1)
		m.Map(media.VP8, a, time.Duration(x))
		m.SenderReport(media.SenderReport{Kind: media.Video, NTP: ntp(0), RTPTime: b})
		got := m.Map(media.VP8, b, time.Duration(x+y))
		if ahead := got - time.Duration(x+y); ahead > maxEarly {
			t.Fatalf("a frame is placed %v after it arrived", ahead)
		}
	})
}
