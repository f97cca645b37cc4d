package live

import (
	"time"

	"github.com/sluicelive/sluice/internal/media"
)

const (
	// audioHold is how long the feed waits for sound before it writes silence:
	// above the jitter buffer's 60 ms, below what an encoder would stall on.
	audioHold = 200 * time.Millisecond
	// audioGap is the least hole between two packets that is filled; smaller
	// ones the encoder's resampler evens out.
	audioGap = 2 * media.OpusSilenceDuration
	// videoHold is how long the last picture stands before the slate is shown.
	// Browsers repeat a still screen once a second, so it must be longer.
	videoHold = 2 * time.Second
	// slateInterval is how often the slate is repeated, so that the encoder's
	// output keeps flowing.
	slateInterval = 100 * time.Millisecond
)

// sink takes what the encoder shall read. t is media time. A picture that is not
// taken must be followed by a key frame.
type sink interface {
	video(t time.Duration, key bool, data []byte) (taken bool)
	audio(t time.Duration, data []byte)
}

// feed makes one continuous video and one continuous audio track out of whatever
// a publisher sends: silence where sound is missing, a slate where pictures are,
// and times that only rise. A muted, audio-only, video-only or absent publisher
// is therefore nothing special downstream. It has no clock of its own: Tick tells
// the time.
type feed struct {
	out   sink
	slate []byte // a key frame of the run's codec; nil until it is made

	videoAt   time.Duration // of the newest picture, as written
	videoCame time.Duration // of the newest picture, before it was held back or moved on
	videoSeen bool          // the first picture is out
	needKey   bool          // what the decoder holds is not the publisher's picture
	audioEnd  time.Duration // up to where sound is written
}

// newFeed begins both tracks at media time start. The first picture is held back
// to it, however late it comes, and sound is filled from there.
func newFeed(start time.Duration, out sink) *feed {
	return &feed{out: out, videoAt: start, videoCame: start, needKey: true, audioEnd: start}
}

// video writes a picture of the publisher. After a slate, or at the start, only
// a key frame is taken; taken says whether it was.
func (f *feed) video(t time.Duration, key bool, data []byte) (taken bool) {
	if f.needKey && !key {
		return false
	}
	f.needKey = !f.picture(t, key, data)
	return !f.needKey
}

// picture writes a picture at t, or right after the one before it if t is not
// later: a picture left out would break those that build on it.
func (f *feed) picture(t time.Duration, key bool, data []byte) (taken bool) {
	f.videoCame = t
	switch {
	case !f.videoSeen:
		f.videoSeen = true
		t = f.videoAt
	case t <= f.videoAt:
		t = f.videoAt + time.Millisecond
	}
	f.videoAt = t
	return f.out.video(t, key, data)
}

// audio writes a packet of the publisher. One that comes after silence took its
// place is dropped.
func (f *feed) audio(t time.Duration, data []byte) {
	d := media.OpusDuration(data)
	if d == 0 || t < f.audioEnd-d {
		return
	}
	if t > f.audioEnd+audioGap {
		f.silence(t)
	}
	f.out.audio(max(t, f.audioEnd), data)
	f.audioEnd = max(t, f.audioEnd) + d
}

// silence fills the audio track up to t.
func (f *feed) silence(t time.Duration) {
	for f.audioEnd+media.OpusSilenceDuration <= t {
		f.out.audio(f.audioEnd, media.OpusSilence)
		f.audioEnd += media.OpusSilenceDuration
	}
}

// tick fills what has been missing for too long at media time now.
func (f *feed) tick(now time.Duration) {
	f.silence(now - audioHold)
	if f.slate == nil {
		return
	}
	since := now - f.videoCame
	showing := f.needKey && f.videoSeen
	if since >= videoHold || showing && since >= slateInterval {
		_ = f.picture(now, true, f.slate) // comes again
		f.needKey = true
	}
}

// begin shows the slate at once, at media time now: there is no picture to begin
// with.
func (f *feed) begin(now time.Duration) {
	_ = f.picture(now, true, f.slate) // the queue of a run that begins is empty
}
