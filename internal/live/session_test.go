package live

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

func videoFrame(size int, key bool) media.Frame {
	return media.Frame{Codec: media.VP8, Key: key, Data: make([]byte, size)}
}

// held is what waits in a session's queue.
func held(s *session) (frames, bytes int) {
	for {
		select {
		case f := <-s.frames:
			s.taken(f)
			frames, bytes = frames+1, bytes+len(f.Data)
		default:
			return frames, bytes
		}
	}
}

// TestFramesThatWaitAreBoundedInBytes is of a publisher whose frames are as large
// as they may be while its stream takes none.
func TestFramesThatWaitAreBoundedInBytes(t *testing.T) {
	s := newSession()
	const large = 4 << 20
	for range 100 {
		s.Frame(videoFrame(large, true))
	}
	frames, bytes := held(s)
	require.Equal(t, 2, frames)
	require.LessOrEqual(t, bytes, 8<<20)
	require.Equal(t, uint64(98), s.dropped.Load(), "each is counted")
	require.True(t, s.lost.Load(), "a key frame is asked for")

	s.Frame(videoFrame(100, false))
	frames, _ = held(s)
	require.Zero(t, frames, "it builds on one that was dropped")
	s.Frame(media.Frame{Codec: media.Opus, Key: true, Data: opus20()})
	s.Frame(videoFrame(large, true))
	s.Frame(videoFrame(100, false))
	frames, _ = held(s)
	require.Equal(t, 3, frames, "from a key frame on all goes on, and audio did")
}

func TestSmallFramesThatWaitAreBoundedInNumber(t *testing.T) {
	s := newSession()
	for range 1000 {
		s.Frame(media.Frame{Codec: media.Opus, Key: true, Data: opus20()})
	}
	frames, _ := held(s)
	require.Equal(t, arrivals, frames)
	require.Equal(t, uint64(1000-arrivals), s.dropped.Load())
	require.Zero(t, s.waiting.Load())
}

func TestDroppedFramesAreLoggedOnceASecond(t *testing.T) {
	var text strings.Builder
	var d dropLog
	log := slog.New(slog.NewTextHandler(&text, nil))
	for now := time.Duration(0); now < 3*time.Second; now += tickInterval {
		d.note(log, now, uint64(now/ms))
	}
	require.LessOrEqual(t, strings.Count(text.String(), "\n"), 3)
	require.Contains(t, text.String(), "frames=1000")
}

// TestAPublisherOfBFramesIsTold is of encoders whose default they are.
func TestAPublisherOfBFramesIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	events := h.subscribe()
	h.publish(media.H264, withBFrames)
	told := h.next(events, sluice.EventError)
	require.Equal(t, "b_frames", told["code"])
	require.Contains(t, told["message"], "turn them off")
}

func TestOnlyBFramesAreTakenForSome(t *testing.T) {
	play := func(codec media.Codec, times ...uint32) (found int) {
		var o frameOrder
		for i := range 100 {
			if o.note(media.Frame{Codec: codec, RTPTime: uint32(i/len(times)*3000*len(times)) + times[i%len(times)]}) {
				found++
			}
		}
		return found
	}
	require.Equal(t, 1, play(media.H264, 0, 9000, 3000, 6000), "once")
	require.Zero(t, play(media.H264, 0, 3000, 6000))
	require.Zero(t, play(media.VP8, 0, 9000, 3000, 6000), "its frames are shown as they come")
	require.Zero(t, play(media.H264, 1<<31, 0), "jumps of RTP time")
}

// A publisher's candidates may come before its offer. They are checked, and that
// is all.
func TestCandidatesAreChecked(t *testing.T) {
	h := newHouse(t, nil)
	add := func(candidate string) error {
		return h.server.AddCandidate(t.Context(), h.owner, h.stream, sluice.ICECandidate{Candidate: candidate})
	}
	const good = "candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host"
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	require.NoError(t, add(good))
	require.NoError(t, add(""), "the end of candidates")
	require.Equal(t, "candidate_invalid", sluice.AsError(add("[object Object]")).Code)
	_, err = h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
	require.Equal(t, sluice.KindState, sluice.AsError(add(good)).Kind, "nothing is published to a stream that ended")
}
