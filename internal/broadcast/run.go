package broadcast

import (
	"fmt"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

const (
	// hangTimeout is how long a run may publish nothing before it counts as hung. It
	// is far above what a machine under load takes, and below a viewer's patience.
	hangTimeout = 8 * time.Second
	// longestHold is how far back a first frame is held at most: what a run that hung
	// leaves open, and some more.
	longestHold = hangTimeout + 4*time.Second
	// maxLag is how far what is published may fall behind. FFmpeg replaces dropped
	// frames by repeating others, so a slow encoder never catches up: it is ended, and
	// the next run leaves a gap behind it.
	maxLag = longestHold + 4*time.Second
	// videoPatience is how long a publisher that sends audio may take to send video,
	// too.
	videoPatience = 2 * time.Second
	// shortestRun is how long after the start of a run the next one may start that a
	// change of codec demands: each costs a process.
	shortestRun = 2 * time.Second
	// slateCodec is that of a run that starts without video. Video in another codec
	// starts a new run.
	slateCodec = media.VP8
)

// run is the encoder's current run, and what is published of all runs.
type run struct {
	standby    bool // an encoder waits for its first frame
	active     bool
	closing    bool // its input was closed
	tooSlow    bool // it was killed because it lagged
	codec      media.Codec
	began      time.Duration // when it did, or the one before it
	start      time.Duration // where its first frame is
	published  time.Duration // how far video is published
	progressAt time.Duration // when that last grew
}

// encoderDue reports whether an encoder is to run and does not.
func (m *Machine) encoderDue(now time.Duration) bool {
	return !m.run.active && m.requested > 0 && now >= m.requested
}

// beginRun starts a run whose first frame comes at media time t.
//
// The first run starts a whole segment before the one that t falls into, with the
// first frame held back to that point, so that a player that loads the manifests
// half a second later finds a complete segment. A later run starts where the one
// before it stopped, unless that is so long ago that filling the gap would take
// longer than leaving it.
func (m *Machine) beginRun(codec media.Codec, t time.Duration, slate bool, now time.Duration) {
	start := m.run.published
	if start == 0 || t-start > longestHold {
		n := sluice.SegmentNumber(t)
		start = sluice.SegmentStart(n - min(n, 1))
	}
	start = onFrameGrid(start)
	m.run = run{active: true, codec: codec, began: now, start: start, published: m.run.published, progressAt: now}
	m.do(Action{Do: BeginRun, Codec: codec, At: start, Slate: slate})
}

// onFrameGrid is the first frame time at or after t.
func onFrameGrid(t time.Duration) time.Duration {
	n := (int64(t)*sluice.FrameRate + int64(time.Second) - 1) / int64(time.Second)
	return time.Duration(n) * time.Second / sluice.FrameRate
}

// startWithoutVideo starts a run with the slate in place of a frame: for a
// publisher that sends audio only, and for a started broadcast whose publisher is
// away or silent.
func (m *Machine) startWithoutVideo(now time.Duration) {
	mayStillCome := m.publisher.connected && now-m.requested <= videoPatience
	if mayStillCome || !m.publisher.heard && !m.started {
		return
	}
	m.beginRun(slateCodec, now, true, now)
}

// watchEncoder kills a run that hangs or lags. What follows is as after a crash.
func (m *Machine) watchEncoder(published, now time.Duration) {
	r := &m.run
	if published != r.published {
		r.published, r.progressAt = published, now
	}
	switch {
	case !r.active:
	case now-r.progressAt > hangTimeout:
		r.progressAt = now
		m.do(Action{Do: KillEncoder, Text: fmt.Sprintf("it hangs; video is published up to %v", r.published)})
	case r.published <= r.start: // the gap before a run is no lag of its own
	case now-r.published > maxLag && !r.tooSlow:
		r.tooSlow = true
		m.do(Action{Do: KillEncoder, Text: fmt.Sprintf("it is %v behind: it is too slow for this machine", (now - r.published).Round(time.Second))})
	}
}

// encoderExited decides what follows the end of a run: another run, after a pause
// that grows, or the end of the broadcast.
func (m *Machine) encoderExited(in EncoderExited, now time.Duration) {
	closed := m.run.closing || in.Failure == ""
	tooSlow := m.run.tooSlow
	m.run = run{began: m.run.began, published: in.Published}
	switch {
	case closed:
		m.runAgainInNewCodec(now)
	case tooSlow:
		m.report("encoder_too_slow",
			"the server is too slow for this stream, and some of it was left out; use a lower quality, or a machine with more cores")
		m.requested = now
	default:
		m.runAgain(in.Failure, now)
	}
	if !m.ended {
		m.askKeyFrame(now)
	}
}

// runAgain lets a run follow one that failed.
func (m *Machine) runAgain(failure string, now time.Duration) {
	pause, again := m.failures.next(now)
	if !again {
		why := "the encoder failed again and again (" + failure + "); the server's log says why, and `sluice doctor` may"
		m.report("encoder_failed", why)
		m.end(sluice.EndFailed, now, why)
		return
	}
	when := "at once"
	if pause > 0 {
		when = fmt.Sprintf("in %v", pause)
	}
	m.report("encoder_restarted", fmt.Sprintf("%s; it starts again %s", failure, when))
	m.requested = now + pause
}

// runAgainInNewCodec lets a run in the new codec follow, or ends the broadcast when
// the codec never stays.
func (m *Machine) runAgainInNewCodec(now time.Duration) {
	pause, again := m.changes.next(now)
	if !again {
		const why = "the publisher changed its video codec again and again; publish in one codec"
		m.report("codec_unstable", why)
		m.end(sluice.EndFailed, now, why)
		return
	}
	m.requested = max(now+pause, m.run.began+shortestRun)
}

// attempts counts failures in a row, to pause longer after each and to give up in
// the end.
type attempts struct {
	count int
	last  time.Duration
}

const (
	maxAttempts   = 8
	attemptsReset = time.Minute // without a failure for this long, the count starts from zero
)

func (a *attempts) next(now time.Duration) (pause time.Duration, again bool) {
	if now-a.last > attemptsReset {
		a.count = 0
	}
	a.last = now
	a.count++
	switch {
	case a.count > maxAttempts:
		return 0, false
	case a.count == 1:
		return 0, true
	default:
		return min(100*time.Millisecond<<a.count, 5*time.Second), true
	}
}
