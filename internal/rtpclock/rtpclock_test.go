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

	audioClock, videoClock func(own time.Duration) time.Time // of the reports; ntp when nil
	audioHeld, videoHeld   time.Duration                     // what is captured before arrives then
	audioEarly, videoEarly time.Duration                     // so far ahead of its time it is sent

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
		audioArrives := max(at-p.audioEarly, p.audioHeld) + p.audioDelay + jitter
		p.audio = p.mapper.Map(media.Opus, p.audioRTP+ticks(own, 48_000), audioArrives) - at
		if at%(40*ms) == 0 {
			videoArrives := max(at-p.videoEarly, p.videoHeld) + p.videoDelay + jitter
			p.video = p.mapper.Map(media.VP8, p.videoRTP+ticks(own, 90_000), videoArrives) - at
		}
		if p.reports {
			p.report(at, own)
		}
	}
}

// report reports as browsers do: on video once a second, on audio more rarely.
func (p *publisher) report(at, own time.Duration) {
	say := func(clock func(time.Duration) time.Time) time.Time {
		if clock == nil {
			clock = ntp
		}
		return clock(own)
	}
	if at%time.Second == 0 {
		p.mapper.SenderReport(media.SenderReport{Kind: media.Video, NTP: say(p.videoClock), RTPTime: p.videoRTP + ticks(own, 90_000)})
	}
	if rare := at - 500*ms; at == 0 || rare >= 0 && rare%(2*time.Second) == 0 {
		p.mapper.SenderReport(media.SenderReport{Kind: media.Audio, NTP: say(p.audioClock), RTPTime: p.audioRTP + ticks(own, 48_000)})
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
	p := publisher{audioDelay: 10 * ms, videoDelay: 200 * ms}
	p.play(0, 15*time.Second)
	p.reports = true // long after the start
	p.play(15*time.Second, 17*time.Second)
	before := p.audio
	p.play(17*time.Second, 18*time.Second)
	require.NotEqual(t, before, p.audio)
	require.LessOrEqual(t, (p.audio - before).Abs(), time.Second/slew+ms, "10 ms a second, no more")
}

// TestAStartThatIsHeldUpIsMendedAtOnce is of publishers whose first packets come
// in a burst, which queued while the connection was made, and of file publishers
// that send the first ones early.
func TestAStartThatIsHeldUpIsMendedAtOnce(t *testing.T) {
	const burst = 409 * ms
	for name, p := range map[string]*publisher{
		"audio in a burst":          {audioHeld: burst},
		"video in a burst":          {videoHeld: burst},
		"both in a burst":           {audioHeld: burst, videoHeld: burst},
		"audio sent early":          {audioEarly: burst, reports: true},
		"video sent early":          {videoEarly: burst, reports: true},
		"audio in a burst, reports": {audioHeld: burst, reports: true},
		"video in a burst, reports": {videoHeld: burst, reports: true},
	} {
		t.Run(name, func(t *testing.T) {
			p.audioDelay, p.videoDelay = 20*ms, 20*ms
			p.play(0, 3*time.Second)
			for at := 3 * time.Second; at < 30*time.Second; at += 100 * ms {
				p.play(at, at+100*ms)
				require.InDelta(t, 0, p.video-p.audio, float64(50*ms), "at %v", at)
			}
		})
	}
}

// TestAClockThatIsWrongIsNotBelieved is of publishers whose reports say what
// cannot be: audio and video stay where they arrive, or where they were.
func TestAClockThatIsWrongIsNotBelieved(t *testing.T) {
	started := ntp(0)
	for name, tc := range map[string]struct {
		audio, video func(own time.Duration) time.Time
	}{
		"none":                     {func(time.Duration) time.Time { return time.Time{} }, func(time.Duration) time.Time { return time.Time{} }},
		"none for video":           {ntp, func(time.Duration) time.Time { return time.Time{} }},
		"constant":                 {func(time.Duration) time.Time { return started }, func(time.Duration) time.Time { return started }},
		"constant for audio":       {func(time.Duration) time.Time { return started }, ntp},
		"constant for video":       {ntp, func(time.Duration) time.Time { return started }},
		"1900 for ever":            {func(time.Duration) time.Time { return time.Unix(-2_208_988_800, 0) }, func(time.Duration) time.Time { return time.Unix(-2_208_988_800, 0) }},
		"audio 3 s ahead":          {func(own time.Duration) time.Time { return ntp(own + 3*time.Second) }, ntp},
		"video 3 s ahead":          {ntp, func(own time.Duration) time.Time { return ntp(own + 3*time.Second) }},
		"audio an hour ahead":      {func(own time.Duration) time.Time { return ntp(own + time.Hour) }, ntp},
		"video an hour ahead":      {ntp, func(own time.Duration) time.Time { return ntp(own + time.Hour) }},
		"audio a century ahead":    {func(own time.Duration) time.Time { return ntp(own + 100*365*24*time.Hour) }, ntp},
		"audio at twice the rate":  {func(own time.Duration) time.Time { return ntp(2 * own) }, ntp},
		"video backwards":          {ntp, func(own time.Duration) time.Time { return ntp(-own) }},
		"audio jumps to and fro":   {func(own time.Duration) time.Time { return ntp(own + own%(10*time.Second)/12) }, ntp},
		"set by 700 ms on the way": {setAt(5*time.Minute, 700*ms), setAt(5*time.Minute, 700*ms)},
		"set back by an hour":      {setAt(4*time.Minute, -time.Hour), setAt(4*time.Minute, -time.Hour)},
		"audio set ahead by 3 s":   {setAt(5*time.Minute, 3*time.Second), ntp},
	} {
		t.Run(name, func(t *testing.T) {
			p := publisher{audioDelay: 20 * ms, videoDelay: 60 * ms, audioClock: tc.audio, videoClock: tc.video, reports: true}
			p.play(0, time.Second)
			audio, video := p.audio, p.video
			for at := time.Second; at < 10*time.Minute; at += 40 * ms {
				p.play(at, at+40*ms)
				require.InDelta(t, 0, p.video-p.audio, float64(100*ms), "at %v", at)
				if at > settle {
					require.InDelta(t, audio, p.audio, float64(leastStep), "no jump at %v", at)
					require.InDelta(t, video, p.video, float64(leastStep), "no jump at %v", at)
				}
				audio, video = p.audio, p.video
			}
		})
	}
}

// setAt is a clock that is set ahead on the way.
func setAt(when, by time.Duration) func(own time.Duration) time.Time {
	return func(own time.Duration) time.Time {
		if own >= when {
			own += by
		}
		return ntp(own)
	}
}

func TestAnEncoderThatIsLaterIsCompensated(t *testing.T) {
	p := publisher{audioDelay: 20 * ms, videoDelay: 800 * ms, reports: true}
	p.play(0, 5*time.Second)
	for at := 5 * time.Second; at < 10*time.Minute; at += time.Second {
		p.play(at, at+time.Second)
		require.InDelta(t, 0, p.video-p.audio, float64(10*ms), "at %v", at)
	}
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
