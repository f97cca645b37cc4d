package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

const ms = time.Millisecond

// tape is a sink that keeps what it is given.
type tape struct {
	full     bool // takes no pictures
	pictures []picture
	sounds   []sound
}

type picture struct {
	at   time.Duration
	key  bool
	data string
}

type sound struct {
	at     time.Duration
	silent bool
}

func (r *tape) video(t time.Duration, key bool, data []byte) bool {
	if r.full {
		return false
	}
	r.pictures = append(r.pictures, picture{t, key, string(data)})
	return true
}

func (r *tape) audio(t time.Duration, data []byte) {
	r.sounds = append(r.sounds, sound{t, string(data) == string(media.OpusSilence)})
}

// requireContinuous checks what every feed promises: times rise, and no hole in
// the sound is longer than the resampler evens out.
func (r *tape) requireContinuous(t *testing.T) {
	t.Helper()
	for i := 1; i < len(r.pictures); i++ {
		require.Greater(t, r.pictures[i].at, r.pictures[i-1].at, "picture %d", i)
	}
	for i := 1; i < len(r.sounds); i++ {
		step := r.sounds[i].at - r.sounds[i-1].at
		require.GreaterOrEqual(t, step, media.OpusSilenceDuration, "sound %d", i)
		require.LessOrEqual(t, step, media.OpusSilenceDuration+audioGap, "sound %d", i)
	}
}

// opus20 is a 20 ms packet that is not silence.
func opus20() []byte { return []byte{0xFC, 1, 2, 3} }

func TestFirstPictureIsHeldBackToTheStart(t *testing.T) {
	var r tape
	f := newFeed(8*time.Second, &r)
	require.False(t, f.video(11*time.Second, false, []byte("delta")), "nothing to build on yet")
	require.True(t, f.video(11400*ms, true, []byte("key")))
	f.slate = []byte("slate")
	f.tick(11420 * ms) // the picture is fresh, wherever it was held back to
	require.True(t, f.video(11433*ms, false, []byte("delta")))
	require.Equal(t, []picture{{8 * time.Second, true, "key"}, {11433 * ms, false, "delta"}}, r.pictures)
}

func TestSoundIsFilledFromTheStart(t *testing.T) {
	var r tape
	f := newFeed(8*time.Second, &r)
	f.tick(10 * time.Second)
	require.Len(t, r.sounds, 90, "silence from 8 s to 10 s less the hold")
	require.Equal(t, 8*time.Second, r.sounds[0].at)
	f.audio(10010*ms, opus20())
	f.audio(10030*ms, opus20())
	r.requireContinuous(t)
	require.False(t, r.sounds[len(r.sounds)-1].silent)
}

func TestPicturesAreNeverLeftOutOrReordered(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	for _, at := range []time.Duration{0, 33 * ms, 30 * ms, 30 * ms, 66 * ms} {
		require.True(t, f.video(at, at == 0, []byte("p")))
	}
	require.Len(t, r.pictures, 5)
	r.requireContinuous(t)
}

func TestAMutedPublisherIsSilent(t *testing.T) {
	var r tape
	f := newFeed(time.Second, &r)
	for now := time.Second; now < 5*time.Second; now += tickInterval {
		f.tick(now)
	}
	r.requireContinuous(t)
	require.Len(t, r.sounds, int((3980*ms-audioHold)/media.OpusSilenceDuration))
}

func TestLateSoundGivesWayToTheSilenceInItsPlace(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.audio(0, opus20())
	f.tick(time.Second)
	n := len(r.sounds)
	f.audio(500*ms, opus20())
	require.Len(t, r.sounds, n)
	f.audio(900*ms, opus20())
	require.Greater(t, len(r.sounds), n)
	r.requireContinuous(t)
}

func TestAHoleInTheSoundIsFilled(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.audio(0, opus20())
	f.audio(20*ms, opus20())
	f.audio(140*ms, opus20())
	r.requireContinuous(t)
	require.True(t, r.sounds[2].silent)
}

func TestMalformedSoundIsLeftOut(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.audio(0, nil)
	f.audio(0, []byte{0xFF})
	require.Empty(t, r.sounds)
}

// A camera that is turned off answers no request for a key frame.
func TestMissingPicturesBecomeASlateUntilTheNextKeyFrame(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.slate = []byte("slate")
	f.video(0, true, []byte("key"))
	f.video(33*ms, false, []byte("delta"))
	for now := 40 * ms; now < 4*time.Second; now += tickInterval {
		f.tick(now)
	}
	require.Equal(t, picture{2040 * ms, true, "slate"}, r.pictures[2])
	require.InDelta(t, 2+int((4*time.Second-videoHold)/slateInterval), len(r.pictures), 1)
	require.False(t, f.video(4*time.Second, false, []byte("delta")), "it would build on a picture the decoder no longer has")
	require.True(t, f.video(4100*ms, true, []byte("key")))
	require.True(t, f.video(4133*ms, false, []byte("delta")))
	r.requireContinuous(t)
}

// still plays a publisher that draws a frame every few seconds. It
// answers a request for a key frame at once, as browsers do that share a screen, or
// with the next frame that it draws, as they do of a canvas.
func still(f *feed, every, until time.Duration, answers bool) (keys int) {
	var asked time.Duration
	for now := time.Duration(0); now < until; now += tickInterval {
		drawn := now%every == 0
		key := now == 0 || asked > 0 && (drawn || answers && now >= asked+60*ms)
		if drawn || key {
			_ = f.video(now, key, []byte("slide"+now.Truncate(every).String()))
		}
		if key {
			asked = 0
			keys++
		}
		f.tick(now)
		if f.asksKey(now) && asked == 0 {
			asked = now
		}
	}
	return keys
}

// A static canvas or slides send a frame when something changes.
func TestTheLastPictureStandsWhileThePublisherIsStill(t *testing.T) {
	const every = 5 * time.Second
	for name, answers := range map[string]bool{"a screen": true, "a canvas": false} {
		t.Run(name, func(t *testing.T) {
			var r tape
			f := newFeed(0, &r)
			f.slate = []byte("slate")
			keys := still(f, every, 3*time.Minute, answers)
			r.requireContinuous(t)
			require.LessOrEqual(t, keys, 36+answersInARow, "one key frame for each slide, and what it takes to learn")
			for i, p := range r.pictures {
				at := p.at.Truncate(every)
				require.Equal(t, "slide"+at.String(), p.data, "at %v", p.at)
				if i > 0 {
					hole := p.at - r.pictures[i-1].at
					require.LessOrEqual(t, hole, stillAfter+200*ms)
					require.True(t, p.at < 6500*ms || hole <= stillSoon+200*ms, "viewers would stall at %v", p.at)
				}
			}
		})
	}
}

// flipped plays a canvas whose slides change at some times: each is a key frame if
// one was asked for since the slide before.
func flipped(f *feed, until time.Duration, flips ...time.Duration) {
	asked := true // at the start
	for now := time.Duration(0); now < until; now += tickInterval {
		if len(flips) > 0 && now >= flips[0] {
			_ = f.video(now, asked, []byte("slide"))
			asked, flips = false, flips[1:]
		}
		f.tick(now)
		asked = f.asksKey(now) || asked
	}
}

// Slides that are flipped quickly come as soon as a key frame is asked for, as the
// answer of a screen does. When no more come, the last one stands all the same.
func TestSlidesThatAreFlippedQuicklyStand(t *testing.T) {
	for _, pace := range []time.Duration{400 * ms, 980 * ms} {
		for _, quick := range []int{1, 2, answersInARow - 1} {
			t.Run(fmt.Sprintf("%d after %v each", quick, pace), func(t *testing.T) {
				flips := make([]time.Duration, 0, 2+2*(quick+1))
				flips = append(flips, 0, 5*time.Second)
				for range 2 { // and again after half a minute
					for range quick {
						flips = append(flips, flips[len(flips)-1]+pace)
					}
					flips = append(flips, flips[len(flips)-1]+35*time.Second)
				}
				var r tape
				f := newFeed(0, &r)
				f.slate = []byte("slate")
				flipped(f, 2*time.Minute, flips...)
				require.NotContains(t, r.data(), "slate")
			})
		}
	}
}

func TestAStillPictureStands(t *testing.T) {
	for name, answers := range map[string]bool{"a screen": true, "a canvas": false} {
		t.Run(name, func(t *testing.T) {
			var r tape
			f := newFeed(0, &r)
			f.slate = []byte("slate")
			still(f, time.Hour, 5*time.Minute, answers)
			require.NotContains(t, r.data(), "slate")
			require.Greater(t, len(r.pictures), 2900, "the output flows")
		})
	}
}

func TestAPublisherThatAnsweredAndDoesNotIsMuted(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.slate = []byte("slate")
	still(f, time.Hour, 10*time.Second, true)
	r.pictures = nil
	for now := 10 * time.Second; now < 50*time.Second; now += tickInterval {
		f.tick(now)
		_ = f.asksKey(now)
	}
	require.Contains(t, r.data(), "slate")
}

func TestNoPictureOfAPublisherThatIsAwayStands(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.slate = []byte("slate")
	f.video(0, true, []byte("key"))
	f.tick(1500 * ms)
	require.Equal(t, []string{"key", "key"}, r.data())
	f.away = true
	f.tick(2100 * ms)
	require.Equal(t, []string{"key", "key", "slate"}, r.data())
	require.False(t, f.asksKey(2100*ms))
}

func TestAMovingPictureIsNotAskedForKeyFrames(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.slate = []byte("slate")
	still(f, 5*time.Second, 11*time.Second, true)
	for now := 11 * time.Second; now < 20*time.Second; now += 40 * ms {
		require.True(t, f.video(now, false, []byte("p")))
		f.tick(now)
		require.False(t, f.asksKey(now))
	}
	require.True(t, f.video(21*time.Second, false, []byte("p")), "a second later, as a still screen")
	require.False(t, f.asksKey(21900*ms))
}

// data is what was shown.
func (r *tape) data() []string {
	list := make([]string, len(r.pictures))
	for i, p := range r.pictures {
		list[i] = p.data
	}
	return list
}

func TestAPictureThatIsNotTakenNeedsAKeyFrame(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	require.True(t, f.video(0, true, []byte("key")))
	r.full = true
	require.False(t, f.video(33*ms, false, []byte("lost")), "so that a key frame is asked for")
	r.full = false
	require.False(t, f.video(66*ms, false, []byte("delta")), "it would build on the lost one")
	require.True(t, f.video(99*ms, true, []byte("key")))
}

func TestASlowScreenIsNoMissingPicture(t *testing.T) {
	var r tape
	f := newFeed(0, &r)
	f.slate = []byte("slate")
	for now := time.Duration(0); now < 10*time.Second; now += tickInterval {
		if now%time.Second == 0 {
			require.True(t, f.video(now, now == 0, []byte("screen")))
		}
		f.tick(now)
	}
	require.Len(t, r.pictures, 10)
}

func TestBeginShowsTheSlateAtOnce(t *testing.T) {
	var r tape
	f := newFeed(6*time.Second, &r)
	f.slate = []byte("slate")
	f.begin(9 * time.Second)
	require.Equal(t, []picture{{6 * time.Second, true, "slate"}}, r.pictures)
	f.tick(9*time.Second + slateInterval)
	require.Len(t, r.pictures, 2)
	require.False(t, f.video(9*time.Second, false, []byte("delta")))
}
