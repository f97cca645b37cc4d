package live

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/broadcast"
	"github.com/sluicelive/sluice/internal/media"
)

// in is the same house in another test.
func (h *house) in(t *testing.T) *house {
	t.Helper()
	same := *h
	same.T = t
	return &same
}

// another is the same house in another test, with one more stream.
func (h *house) another(t *testing.T) *house {
	t.Helper()
	st := sluice.Stream{Name: "another", Quality: "360"}
	require.NoError(t, st.Validate())
	require.NoError(t, h.store.CreateStream(t.Context(), h.owner, &st))
	other := h.in(t)
	other.stream = st.ID
	return other
}

// keyFrame makes one in VP8 or H.264.
func keyFrame(t *testing.T, codec media.Codec, size string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "frame")
	encoder := []string{"-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-tune", "zerolatency", "-f", "h264"}
	if codec == media.VP8 {
		encoder = []string{"-c:v", "libvpx", "-deadline", "realtime", "-f", "ivf"}
	}
	args := append([]string{"-loglevel", "error", "-f", "lavfi", "-i", "color=c=gray:r=30:s=" + size, "-frames:v", "1", "-pix_fmt", "yuv420p"}, encoder...)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, file)...).CombinedOutput() // #nosec G204 -- of a test
	require.NoError(t, err, string(out))
	frame, err := os.ReadFile(file) // #nosec G304 -- of a test
	require.NoError(t, err)
	if codec == media.VP8 {
		const heads = 32 + 12 // of an IVF file and a frame
		return frame[heads:]
	}
	return frame
}

// sender is a publisher whose frames can be changed while it sends.
type sender struct {
	frames atomic.Pointer[[][]byte] // sent in turn
	key    atomic.Pointer[[]byte]   // sent when a key frame is asked for, if there is one
}

func (s *sender) send(frames ...[]byte) { s.frames.Store(&frames) }

func (s *sender) answer(key []byte) { s.key.Store(&key) }

// publishFrames sends frames in turn at an interval.
func (h *house) publishFrames(codec media.Codec, interval time.Duration, frames ...[]byte) *sender {
	h.Helper()
	pub := h.connect(codec)

	var s sender
	s.send(frames...)
	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	h.Cleanup(func() { cancel(); sending.Wait(); pub.Close() })
	every := func(interval time.Duration, send func(n int)) {
		sending.Go(func() {
			ticker := time.NewTicker(interval)
			defer ticker.Stop()
			for n := 0; ; n++ {
				send(n)
				select {
				case <-ticker.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	const packet = 20 * time.Millisecond
	every(packet, func(n int) { _ = pub.WriteAudio(media.OpusSilence, time.Duration(n)*packet) })
	every(interval, func(n int) {
		frames := *s.frames.Load()
		frame := frames[n%len(frames)]
		if key := s.key.Load(); key != nil {
			select {
			case <-pub.KeyFrameRequested():
				frame = *key
			default:
			}
		}
		_ = pub.WriteVideo(frame, time.Duration(n)*interval)
	})
	return &s
}

// start prepares, publishes by publish and starts.
func (h *house) start(publish func()) {
	h.Helper()
	_, err := h.server.Prepare(h.Context(), h.owner, h.stream)
	require.NoError(h, err)
	publish()
	_, err = h.server.Start(h.Context(), h.owner, h.stream)
	require.NoError(h, err)
}

func TestFramesThatAreTooLargeAreLeftOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	events := h.subscribe()
	sane := keyFrame(t, media.H264, "640x360")
	var p *sender
	h.start(func() { p = h.publishFrames(media.H264, 40*time.Millisecond, sane) })
	h.advance(time.Second)

	p.send(keyFrame(t, media.H264, "8192x8192"))
	told := h.next(events, sluice.EventError)
	require.Equal(t, "frame_too_large", told["code"])
	require.Contains(t, told["message"], "4096×2304")
	require.Contains(t, told["message"], "smaller")
	h.advance(5 * time.Second)

	p.send(sane)
	h.requireSeen()
	require.Len(t, h.log.pids, 1, "and all in one run")
	h.advance(2 * time.Second)
	h.requireWhole()
}

// TestAfterFramesThatWereTooLargeAKeyFrameIsAskedFor is of a publisher that makes
// its frames smaller, and sends a key frame only when it is asked.
func TestAfterFramesThatWereTooLargeAKeyFrameIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	events := h.subscribe()
	sane := keyFrame(t, media.VP8, "640x360")
	large, between := slices.Clone(sane), slices.Clone(sane)
	copy(large[6:], "\x00\x20\x00\x20") // 8192×8192 (RFC 6386, section 9.1)
	between[0] |= 1                     // no key frame
	var p *sender
	h.start(func() { p = h.publishFrames(media.VP8, 40*time.Millisecond, sane) })
	h.advance(time.Second)

	p.answer(large)
	p.send(large)
	require.Equal(t, "frame_too_large", h.next(events, sluice.EventError)["code"])
	p.send(between)
	h.advance(stillAfter + 3*time.Second) // the last frame stands, and is no longer asked to be renewed
	p.answer(sane)
	h.requireSeen()
}

// requireSeen waits until a frame of the publisher is shown that came just now.
func (h *house) requireSeen() {
	h.Helper()
	rs := h.server.running(h.stream)
	require.Eventually(h, func() (seen bool) {
		return rs.do(h.Context(), func() { seen = rs.now()-rs.feed.videoCame < time.Second/2 }) == nil && seen
	}, 5*time.Second, 10*time.Millisecond, "the publisher is not seen")
}

// framesReceived is how many video frames of the stream's publisher came.
func (h *house) framesReceived() (n uint64) {
	h.Helper()
	rs := h.server.running(h.stream)
	require.NoError(h, rs.do(h.Context(), func() {
		if rs.session != nil {
			n = rs.session.conn.Stats().Video.Frames
		}
	}))
	return n
}

// TestHostileMediaLeavesOthersAlone sends what costs most to one stream after the
// other, while another one, and this process's memory, are watched.
func TestHostileMediaLeavesOthersAlone(t *testing.T) {
	const attack = 5 * time.Second
	first := newHouse(t, nil)
	vp8 := keyFrame(t, media.VP8, "640x360")
	first.start(func() { first.publishFrames(media.VP8, time.Second/30, vp8) })
	first.advance(2 * time.Second)
	before := residentBytes(t)
	for name, hostile := range map[string]func(h *house){
		"frames of 8192×8192": func(h *house) {
			h.publishFrames(media.H264, time.Second/30, keyFrame(h.T, media.H264, "8192x8192"))
		},
		"a size that changes with each key frame": func(h *house) {
			h.publishFrames(media.VP8, time.Second/30, vp8, keyFrame(h.T, media.VP8, "1280x720"), keyFrame(h.T, media.VP8, "360x640"), keyFrame(h.T, media.VP8, "16x16"))
		},
		"a camera of 3840×2160": func(h *house) {
			h.publishFrames(media.H264, time.Second/30, keyFrame(h.T, media.H264, "3840x2160"))
		},
		"twenty times the rate": func(h *house) { h.publishFrames(media.VP8, time.Second/600, vp8) },
		"frames of 4 MB to an encoder that stands still": func(h *house) {
			h.publishFrames(media.VP8, time.Second/30, vp8)
			h.flood(attack)
		},
	} {
		t.Run(name, func(t *testing.T) {
			victim, h := first.in(t), first.another(t)
			h.log.drain()
			_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
			require.NoError(t, err)
			hostile(h)
			var starting sync.WaitGroup
			starting.Go(func() { _, _ = h.server.Start(t.Context(), h.owner, h.stream) }) // it may fail

			gap, most := victim.watch(attack, func() int { return residentBytes(t) })
			t.Logf("largest gap %v, at most %d MiB more", gap, (most-before)>>20)
			require.Less(t, gap, 2*time.Second, "the other stream goes on")
			require.Less(t, most-before, (64<<20)*memoryFactor, "memory has a bound")
			require.Equal(t, sluice.StatusLive, victim.stored().Status())
			require.Greater(t, h.framesReceived(), uint64(attack/time.Second), "nothing hostile came")
			_, err = h.server.Remove(t.Context(), h.owner, h.stream)
			require.NoError(t, err)
			starting.Wait()
		})
	}
}

// flood stops the stream's encoder as soon as it runs, and hands the stream key
// frames of 4 MB, as its connection does. The test fails when too few were sent.
func (h *house) flood(d time.Duration) {
	h.Helper()
	const perSecond = 15
	var pid int
	select {
	case pid = <-h.log.pids:
	case <-time.After(d):
		require.Fail(h, "no encoder runs")
	}
	require.NoError(h, syscall.Kill(pid, syscall.SIGSTOP))
	frame := func() []byte {
		frame := make([]byte, 4<<20-1)
		for i := range frame {
			frame[i] = byte(i) // as its packets wrote it
		}
		copy(frame, "\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01") // 640×360
		return frame
	}
	sent := 0
	var sending sync.WaitGroup
	h.Cleanup(func() {
		sending.Wait()
		require.Greater(h, sent, int(d/time.Second)*perSecond/3, "frames of 4 MB were sent")
	})
	sending.Go(func() {
		defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
		rs := h.server.running(h.stream)
		ticker := time.NewTicker(time.Second / perSecond)
		defer ticker.Stop()
		end := time.Now().Add(d)
		for now := time.Now(); now.Before(end); now = <-ticker.C {
			var to *session
			if rs.do(context.Background(), func() { to = rs.session }) != nil || to == nil {
				return
			}
			to.Frame(media.Frame{Codec: media.VP8, Key: true, RTPTime: uint32(now.UnixMilli() * 90), Arrived: now, Data: frame()})
			sent++
		}
	})
}

// watch returns the longest time in which the stream's media did not grow, and
// the most of a measure.
func (h *house) watch(d time.Duration, measure func() int) (gap time.Duration, most int) {
	h.Helper()
	p, err := h.server.Presentation(h.Context(), h.stream)
	require.NoError(h, err)
	end, ticker := time.After(d), time.NewTicker(20*time.Millisecond)
	defer ticker.Stop()
	media, since := p.MediaEnd(), time.Now()
	for {
		select {
		case <-end:
			return max(gap, time.Since(since)), most
		case <-ticker.C:
		}
		most = max(most, measure())
		if now := p.MediaEnd(); now > media {
			gap = max(gap, time.Since(since))
			media, since = now, time.Now()
		}
	}
}

// residentBytes is the memory that this process holds.
func residentBytes(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}

// TestACodecThatNeverStays sends VP8 and VP9 alternately, twice a second.
func TestACodecThatNeverStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.log.pids = make(chan int, 100)
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8, silent)
	rs := h.server.running(h.stream)
	var to *session
	require.NoError(t, rs.do(t.Context(), func() { to = rs.session; rs.step(broadcast.Requested{}) }))

	frames := map[media.Codec][]byte{media.VP8: keyFrame(t, media.VP8, "640x360"), media.VP9: media.Slate(media.VP9)}
	const perSecond, seconds = 30, 6
	ticker := time.NewTicker(time.Second / perSecond)
	defer ticker.Stop()
	for n := range perSecond * seconds {
		codec := media.VP8
		if n/(perSecond/2)%2 == 1 {
			codec = media.VP9
		}
		to.Frame(media.Frame{Codec: codec, Key: true, RTPTime: uint32(n * 3000), Arrived: time.Now(), Data: frames[codec]})
		<-ticker.C
	}
	require.LessOrEqual(t, len(h.log.pids), seconds/2+1, "one run in two seconds, and the one that stood by")
}
