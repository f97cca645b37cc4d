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
	// slateInterval is how often the slate, or a still frame, is repeated, so that
	// the encoder's output keeps flowing.
	slateInterval = 100 * time.Millisecond
	// stillAfter is how long no video frame comes before a key frame is asked for,
	// to repeat: longer than the second after which browsers repeat a still screen.
	// stillSoon is the same of a publisher that was still a moment ago, as one of
	// slides is, whose viewers would else stall with each.
	stillAfter = 1200 * time.Millisecond
	stillSoon  = 300 * time.Millisecond
	// fluent is how many frames in a row come within videoMoves of each other from
	// a publisher that is still no more.
	fluent     = 5
	videoMoves = 1100 * time.Millisecond
	// answerTime is how soon a key frame comes from a publisher that makes one when
	// it is asked, and not with its next frame.
	answerTime = 700 * time.Millisecond
	// answersInARow is how many requests in a row a publisher must have answered to
	// count as one that answers: slides that are flipped within a second look the
	// same. stillProof is how old the frame must be at the last of these requests:
	// then nothing is flipped.
	answersInARow = 8
	stillProof    = 3 * time.Second
	// stillRefresh is how old a still frame gets before a publisher that answers is
	// asked for another, and stillHold how old one gets that it gives no answer to:
	// its video is muted then.
	stillRefresh = 20 * time.Second
	stillHold    = 30 * time.Second
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
	wroteAt   time.Duration // of the newest picture, before it was held back or moved on
	videoCame time.Duration // the same of the publisher's
	videoSeen bool          // the first picture is out
	needKey   bool          // what the decoder holds is not the publisher's picture
	audioEnd  time.Duration // up to where sound is written

	away  bool   // the publisher is not connected: no frame of its stands
	still []byte // the newest picture, if it is a key frame of the publisher
	slow  bool   // the publisher was still a moment ago
	moves int    // frames in a row that came soon after another

	askedAt  time.Duration // when a key frame was asked for since the newest frame; 0: not yet
	answered int           // requests in a row that a key frame came to as soon as it was asked for
}

// newFeed begins both tracks at media time start. The first picture is held back
// to it, however late it comes, and sound is filled from there.
func newFeed(start time.Duration, out sink) *feed {
	return &feed{out: out, videoAt: start, wroteAt: start, videoCame: start, needKey: true, audioEnd: start}
}

// video writes a picture of the publisher. After a slate, or at the start, only
// a key frame is taken; taken says whether it was.
func (f *feed) video(t time.Duration, key bool, data []byte) (taken bool) {
	if f.needKey && !key {
		return false
	}
	f.pace(t - f.videoCame)
	f.learn(t, key)
	f.videoCame = t
	f.needKey = !f.picture(t, key, data)
	if f.still = nil; key && !f.needKey {
		f.still = data
	}
	return !f.needKey
}

// pace notes how long after another a frame of the publisher came.
func (f *feed) pace(gap time.Duration) {
	switch {
	case gap >= stillAfter:
		f.slow, f.moves = true, 0
	case f.askedAt > 0: // perhaps an answer
	case gap > videoMoves:
		f.moves = 0
	default:
		if f.moves++; f.moves >= fluent {
			f.slow = false
		}
	}
}

// learn notes what a frame of the publisher says of how it answers requests.
func (f *feed) learn(t time.Duration, key bool) {
	asked := f.askedAt
	f.askedAt = 0
	switch {
	case asked == 0:
		if !f.answers() && t-f.videoCame < videoMoves { // it moves without being asked
			f.answered = 0
		}
	case t-asked >= answerTime:
		f.answered = 0
	case key && (f.answered < answersInARow-1 || asked-f.videoCame >= stillProof):
		f.answered++
	}
}

// answers says whether the publisher makes a key frame as soon as it is asked.
func (f *feed) answers() bool { return f.answered >= answersInARow }

// picture writes a picture at t, or right after the one before it if t is not
// later: a picture left out would break those that build on it.
func (f *feed) picture(t time.Duration, key bool, data []byte) (taken bool) {
	f.wroteAt = t
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
	since, due := now-f.videoCame, now-f.wroteAt >= slateInterval
	showing := f.needKey && f.videoSeen // the slate
	switch {
	case f.stands(now):
		// A key frame that is decoded again changes nothing: what follows it builds
		// on it alone.
		if due && since >= f.patience() {
			f.needKey = !f.picture(now, true, f.still)
		}
	case f.slate != nil && (due && showing || !showing && since >= videoHold):
		_ = f.picture(now, true, f.slate) // comes again
		f.needKey, f.still = true, nil
	}
}

// stands says whether the publisher's newest frame can be repeated, and may: a
// canvas or a slide that does not change sends none for as long.
func (f *feed) stands(now time.Duration) bool {
	return f.still != nil && !f.needKey && !f.away && (!f.answers() || now-f.videoCame < stillHold)
}

// asksKey says whether a key frame should be asked for: no video comes, and the
// newest frame cannot be repeated, or is old. Of a canvas a browser encodes no
// frame until the next is drawn. That one must be a key frame, too, so it is asked
// for while the one before it stands.
func (f *feed) asksKey(now time.Duration) bool {
	since := now - f.videoCame
	if f.away || f.needKey || since < f.patience() {
		return false
	}
	if f.askedAt == 0 && (f.still == nil || since >= f.refresh()) {
		f.askedAt = now
	}
	return f.askedAt > 0 && (f.still == nil || now-f.askedAt < answerTime || f.answers())
}

// refresh is how old a still frame gets before another is asked for.
func (f *feed) refresh() time.Duration {
	switch {
	case f.answers():
		return stillRefresh
	case f.answered == answersInARow-1:
		return stillProof
	default:
		return 0 // what is drawn next must be a key frame
	}
}

// patience is how long no video frame comes before the publisher counts as still.
func (f *feed) patience() time.Duration {
	if f.slow {
		return stillSoon
	}
	return stillAfter
}

// begin shows the slate at once, at media time now: there is no picture to begin
// with.
func (f *feed) begin(now time.Duration) {
	_ = f.picture(now, true, f.slate) // the queue of a run that begins is empty
}
