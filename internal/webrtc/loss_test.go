package webrtc

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// lossy is a network, next to the wire, that loses packets.
type lossy struct {
	interceptor.NoOp
	mu    sync.Mutex // one packet after the other
	loses func(*rtp.Header) bool
	lost  atomic.Int64
}

func (l *lossy) NewInterceptor(string) (interceptor.Interceptor, error) { return l, nil }

func (l *lossy) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		l.mu.Lock()
		drop := l.loses(h)
		l.mu.Unlock()
		if drop {
			l.lost.Add(1)
			return len(payload), nil
		}
		return w.Write(h, payload, a)
	})
}

// sendVideo sends frames of 5 to 6 packets, 200 a second, numbered from 0, each
// a key frame that was asked for or is the first, until stop says so.
func sendVideo(t *testing.T, p *Publisher, stop func(sent uint32) bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for sent := uint32(0); !stop(sent); sent++ {
		key := sent == 0
		select {
		case <-p.KeyFrameRequested():
			key = true
		default:
		}
		require.NoError(t, p.WriteVideo(vp8Frame(sent, 6000, key), time.Duration(sent)*5*time.Millisecond))
		<-ticker.C
	}
}

// requireWhole looks whether each frame is as sent, and whether a frame that
// follows a missing one is a key frame.
func requireWhole(t *testing.T, frames []media.Frame) {
	t.Helper()
	next := uint32(0)
	for i, f := range frames {
		n := binary.BigEndian.Uint32(f.Data[10:])
		require.Equal(t, vp8Frame(n, 6000, f.Key), f.Data)
		require.True(t, n == next || f.Key, "frame %d after %d is no key frame", n, next-1)
		require.True(t, i > 0 || f.Key)
		next = n + 1
	}
}

func TestLossesAreMended(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1)) //nolint:gosec // the same losses each time
	network := &lossy{loses: func(*rtp.Header) bool { return rng.Float64() < 0.03 }}
	s := listen(t, Config{})
	p, err := newPublisher(PublisherConfig{Video: media.VP8}, network)
	require.NoError(t, err)
	session, r := publish(t, s, p)
	sendVideo(t, p, func(sent uint32) bool {
		require.Less(t, sent, uint32(4000), "timeout") // a busy machine mends some too late
		return sent >= 400 && len(r.seen().frames[media.Video]) >= 350
	})
	requireWhole(t, r.seen().frames[media.Video])
	require.Greater(t, network.lost.Load(), int64(40), "the test must lose something")
	require.Less(t, session.Stats().Video.Lost, uint64(network.lost.Load())/4, "retransmission mends most")
}

func TestAfterALossThatIsNotMendedOnlyAKeyFrameGoesOn(t *testing.T) {
	var outage atomic.Bool
	network := &lossy{loses: func(h *rtp.Header) bool { return outage.Load() || h.PayloadType == sentRetransmission }}
	s := listen(t, Config{})
	p, err := newPublisher(PublisherConfig{Video: media.VP8}, network)
	require.NoError(t, err)
	session, r := publish(t, s, p)
	sendVideo(t, p, func(sent uint32) bool {
		outage.Store(sent >= 100 && sent < 120)
		require.Less(t, sent, uint32(4000), "timeout")
		return sent > 120 && slices.ContainsFunc(r.seen().frames[media.Video], func(f media.Frame) bool {
			return f.Key && f.RTPTime > 120*450
		})
	})
	requireWhole(t, r.seen().frames[media.Video])
	require.NotZero(t, session.Stats().Video.Requests)
}

func TestAKeyFrameIsRequestedUntilItComes(t *testing.T) {
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	session, r := publish(t, s, p)
	sent := uint32(0)
	requested := 0
	for requested < 2 { // no key frame is sent: it is asked for again
		select {
		case <-p.KeyFrameRequested():
			requested++
		case <-time.After(20 * time.Millisecond):
			require.NoError(t, p.WriteVideo(vp8Frame(sent, 100, false), time.Duration(sent)*20*time.Millisecond))
			sent++
		}
	}
	require.Empty(t, r.seen().frames[media.Video])
	require.NoError(t, p.WriteVideo(vp8Frame(sent, 100, true), time.Duration(sent)*20*time.Millisecond))
	r.await(t, "the key frame", func() bool { return len(r.frames[media.Video]) == 1 })

	session.RequestKeyFrame()
	select {
	case <-p.KeyFrameRequested():
	case <-time.After(10 * time.Second):
		t.Fatal("the key frame that was asked for never was requested")
	}
}
