package webrtc

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// odd is a network, next to the wire, that changes packets and counts the
// requests for lost ones.
type odd struct {
	interceptor.NoOp
	mu    sync.Mutex // one packet after the other
	send  func(h *rtp.Header, payload []byte, write func(*rtp.Header, []byte) error) error
	nacks atomic.Int64
}

func (o *odd) NewInterceptor(string) (interceptor.Interceptor, error) { return o, nil }

func (o *odd) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		return len(payload), o.send(h, payload, func(h *rtp.Header, payload []byte) error {
			_, err := w.Write(h, payload, a)
			return err
		})
	})
}

func (o *odd) BindRTCPReader(r interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := r.Read(b, a)
		packets, _ := rtcp.Unmarshal(b[:n])
		for _, p := range packets {
			if _, ok := p.(*rtcp.TransportLayerNack); ok {
				o.nacks.Add(1)
			}
		}
		return n, a, err
	})
}

// swapping sends every tenth packet after the one that follows it at once.
func swapping() *odd {
	type packet struct {
		header  rtp.Header
		payload []byte
	}
	var held *packet
	count := 0
	return &odd{send: func(h *rtp.Header, payload []byte, write func(*rtp.Header, []byte) error) error {
		count++
		if held == nil && count%10 == 0 && !h.Marker { // the next of the frame follows
			held = &packet{h.Clone(), payload}
			return nil
		}
		err := write(h, payload)
		if err == nil && held != nil {
			err = write(&held.header, held.payload)
			held = nil
		}
		return err
	}}
}

func TestNothingIsAskedForAgainThatWasJustOvertaken(t *testing.T) {
	network := swapping()
	s := listen(t, Config{})
	p, err := newPublisher(PublisherConfig{Video: media.VP8}, network)
	require.NoError(t, err)
	session, r := publish(t, s, p)
	sendVideo(t, p, func(sent uint32) bool { return sent >= 400 })
	r.await(t, "all frames", func() bool { return len(r.frames[media.Video]) >= 399 })
	requireWhole(t, r.seen().frames[media.Video])
	require.Zero(t, session.Stats().Video.Lost)
	// A machine that others use may hold a packet up for longer than a network.
	require.LessOrEqual(t, network.nacks.Load(), int64(12), "of 240 that were overtaken")
}

// TestACodecThatChangesWithEachPacket is of a hostile publisher, which must not
// fill the log, and of one that comes to its senses.
func TestACodecThatChangesWithEachPacket(t *testing.T) {
	var flipping atomic.Bool
	flipping.Store(true)
	count := 0
	network := &odd{send: func(h *rtp.Header, payload []byte, write func(*rtp.Header, []byte) error) error {
		if count++; flipping.Load() && count%2 == 0 && h.PayloadType == sentVideo {
			h.PayloadType = 98
		}
		return write(h, payload)
	}}
	log := &lockedBuilder{}
	s := listen(t, Config{Log: slog.New(slog.NewTextHandler(log, nil))})
	p, err := newPublisher(PublisherConfig{Video: media.VP8}, network)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	offer = strings.Replace(offer, "SAVPF 96", "SAVPF 98 96", 1)
	offer = strings.Replace(offer, "a=rtpmap:96", "a=rtpmap:98 VP9/90000\r\na=rtpmap:96", 1)
	r := newRecorder()
	session, err := s.Answer(t.Context(), offer, r)
	require.NoError(t, err)
	require.Contains(t, session.SDP(), "VP9/90000")
	require.NoError(t, p.SetAnswer(session.SDP()))
	awaitConnection(t, p, r)

	began := time.Now()
	sendVideo(t, p, func(sent uint32) bool {
		flipping.Store(sent < 300)
		require.Less(t, sent, uint32(4000), "timeout")
		return sent > 350 && len(r.seen().frames[media.Video]) > 50
	})
	seconds := int(time.Since(began)/time.Second) + 1
	require.LessOrEqual(t, strings.Count(log.String(), " codec="), seconds, "one line in a second at most")
	for _, f := range r.seen().frames[media.Video] {
		if f.Codec == media.VP8 {
			require.Len(t, f.Data, 6000, "no frame is cut where a packet was of another codec")
		}
	}
}

// lockedBuilder is a log's text.
type lockedBuilder struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *lockedBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestAPublisherMayGoOnFromAnotherSource(t *testing.T) {
	t.Parallel()
	var changed atomic.Bool
	network := &odd{send: func(h *rtp.Header, payload []byte, write func(*rtp.Header, []byte) error) error {
		if changed.Load() {
			h.SSRC ^= 1
		}
		return write(h, payload)
	}}
	s := listen(t, Config{Log: discard()})
	p, err := newPublisher(PublisherConfig{Video: media.VP8, Audio: true}, network)
	require.NoError(t, err)
	_, r := publish(t, s, p)
	var before [2]int
	sendUntil(t, p, func() bool {
		seen := r.seen()
		if !changed.Load() && len(seen.frames[media.Video]) > 10 && len(seen.frames[media.Audio]) > 10 {
			changed.Store(true)
			before = [2]int{len(seen.frames[media.Video]), len(seen.frames[media.Audio])}
		}
		return changed.Load() && len(seen.frames[media.Video]) > before[0]+20 && len(seen.frames[media.Audio]) > before[1]+20
	})
}
