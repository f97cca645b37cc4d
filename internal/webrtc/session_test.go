package webrtc

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a Receiver that keeps all it gets.
type recorder struct {
	mu         sync.Mutex
	frames     [2][]media.Frame // by kind
	reports    []media.SenderReport
	candidates []sluice.ICECandidate
	states     []State
	changed    chan struct{}
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{}, 1)} }

func (r *recorder) record(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	notify(r.changed)
}

func (r *recorder) Frame(f media.Frame) {
	r.record(func() { r.frames[f.Codec.Kind()] = append(r.frames[f.Codec.Kind()], f) })
}

func (r *recorder) SenderReport(s media.SenderReport) {
	r.record(func() { r.reports = append(r.reports, s) })
}

func (r *recorder) Candidate(c sluice.ICECandidate) {
	r.record(func() { r.candidates = append(r.candidates, c) })
}
func (r *recorder) State(s State) { r.record(func() { r.states = append(r.states, s) }) }

// seen is a copy of what is recorded so far.
func (r *recorder) seen() *recorder {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &recorder{
		frames:     [2][]media.Frame{slices.Clone(r.frames[0]), slices.Clone(r.frames[1])},
		reports:    slices.Clone(r.reports),
		candidates: slices.Clone(r.candidates),
		states:     slices.Clone(r.states),
	}
}

// await waits until what is recorded meets a condition.
func (r *recorder) await(t *testing.T, what string, met func() bool) {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		ok := met()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.changed:
		case <-timeout:
			t.Fatalf("timeout waiting for %s", what)
		}
	}
}

func listen(tb testing.TB, cfg Config) *Server {
	tb.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	s, err := Listen(context.WithoutCancel(tb.Context()), cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// publish connects a publisher to a server.
func publish(t *testing.T, s *Server, p *Publisher) (*Session, *recorder) {
	t.Helper()
	t.Cleanup(p.Close)
	r := newRecorder()
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	session, err := s.Answer(t.Context(), offer, r)
	require.NoError(t, err)
	require.NoError(t, p.SetAnswer(session.SDP()))
	awaitConnection(t, p, r)
	return session, r
}

// awaitConnection waits until both ends are connected: what is sent before may
// be lost.
func awaitConnection(t *testing.T, p *Publisher, r *recorder) {
	t.Helper()
	select {
	case <-p.Connected():
	case <-time.After(20 * time.Second):
		t.Fatal("not connected")
	}
	r.await(t, "the connection", func() bool { return slices.Contains(r.states, Connected) })
}

// vp8Frame is a frame that only its tag is real of.
func vp8Frame(n uint32, size int, key bool) []byte {
	f := make([]byte, size)
	rng := rand.New(rand.NewPCG(uint64(n), 7)) //nolint:gosec // the same bytes each time
	for i := range f {
		f[i] = byte(rng.Uint32())
	}
	f[0] |= 1
	if key {
		f[0] &^= 1
		copy(f[3:], []byte{0x9d, 0x01, 0x2a})
	}
	binary.BigEndian.PutUint32(f[10:], n)
	return f
}

func TestFramesArriveAsTheyWereSent(t *testing.T) {
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8, Audio: true})
	require.NoError(t, err)
	session, r := publish(t, s, p)

	const n = 60
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for i := range uint32(n) {
		at := time.Duration(i) * time.Second / 30
		require.NoError(t, p.WriteVideo(vp8Frame(i, 3000, i == 0), at))
		require.NoError(t, p.WriteAudio([]byte{0xf8, byte(i), 0xfe}, at))
		<-ticker.C
	}
	r.await(t, "all frames", func() bool { return len(r.frames[media.Video]) == n && len(r.frames[media.Audio]) == n })
	for i, f := range r.seen().frames[media.Video] {
		require.Equal(t, vp8Frame(uint32(i), 3000, i == 0), f.Data)
		require.Equal(t, i == 0, f.Key)
		require.Equal(t, uint32(i*3000), f.RTPTime)
		require.Equal(t, media.VP8, f.Codec)
		require.WithinDuration(t, time.Now(), f.Arrived, time.Minute)
	}
	for i, f := range r.seen().frames[media.Audio] {
		require.Equal(t, []byte{0xf8, byte(i), 0xfe}, f.Data)
		require.Equal(t, uint32(i*1600), f.RTPTime)
	}
	stats := session.Stats()
	require.Equal(t, uint64(n), stats.Video.Frames)
	require.Equal(t, uint64(1), stats.Video.KeyFrames)
	require.Equal(t, media.Opus, stats.Audio.Codec)
	require.Zero(t, stats.Video.Lost)
	session.Close()
	<-session.Done()
	require.Equal(t, Closed, r.seen().states[len(r.seen().states)-1])
}

func TestSenderReportsArrive(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8, Audio: true})
	require.NoError(t, err)
	_, r := publish(t, s, p)
	var kinds [2]bool
	sendUntil(t, p, func() bool {
		for _, report := range r.seen().reports {
			kinds[report.Kind] = true
		}
		return kinds[media.Video] && kinds[media.Audio]
	})
	for _, report := range r.seen().reports {
		require.WithinDuration(t, time.Now(), report.NTP, time.Minute)
		require.Less(t, report.RTPTime, uint32(60*90_000))
	}
}

// sendUntil sends both kinds at 50 frames a second.
func sendUntil(t *testing.T, p *Publisher, done func() bool) {
	t.Helper()
	require.NotNil(t, p.video)
	require.NotNil(t, p.audio)
	sendOffered(t, p, done)
}

// sendOffered sends the kinds that a publisher offered at 50 frames a second.
func sendOffered(t *testing.T, p *Publisher, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for i := uint32(0); !done(); i++ {
		require.Less(t, i, uint32(1000), "timeout")
		at := time.Duration(i) * 20 * time.Millisecond
		if p.video != nil {
			require.NoError(t, p.WriteVideo(vp8Frame(i, 500, i%10 == 0), at))
		}
		if p.audio != nil {
			require.NoError(t, p.WriteAudio([]byte{0xf8, 0xff, 0xfe}, at))
		}
		<-ticker.C
	}
}

func TestSessionsShareThePort(t *testing.T) {
	s := listen(t, Config{})
	var publishers [2]*Publisher
	var recorders [2]*recorder
	for i := range publishers {
		var err error
		publishers[i], err = NewPublisher(PublisherConfig{Video: media.VP8})
		require.NoError(t, err)
		_, recorders[i] = publish(t, s, publishers[i])
	}
	for i, p := range publishers {
		require.NoError(t, p.WriteVideo(vp8Frame(uint32(i), 2000, true), 0))
	}
	for i, r := range recorders {
		r.await(t, "the frame", func() bool { return len(r.frames[media.Video]) == 1 })
		require.Equal(t, vp8Frame(uint32(i), 2000, true), r.seen().frames[media.Video][0].Data)
	}
}

func TestAudioAloneAndVideoAlone(t *testing.T) {
	t.Parallel()
	for _, cfg := range []PublisherConfig{{Audio: true}, {Video: media.H264}, {Video: media.VP9}, {Video: media.AV1}} {
		s := listen(t, Config{})
		p, err := NewPublisher(cfg)
		require.NoError(t, err)
		session, _ := publish(t, s, p)
		stats := session.Stats()
		require.Equal(t, cfg.Audio, stats.Audio.Negotiated)
		require.Equal(t, cfg.Video != 0, stats.Video.Negotiated)
	}
	p, err := NewPublisher(PublisherConfig{Audio: true})
	require.NoError(t, err)
	defer p.Close()
	require.ErrorIs(t, p.WriteVideo([]byte{1}, 0), errNotOffered)
}

func TestThePublisherConnectsOverTCPWhereUDPIsBlocked(t *testing.T) {
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	r := newRecorder()
	session, err := s.Answer(t.Context(), without(offer, "a=candidate"), r)
	require.NoError(t, err)
	answer := slices.DeleteFunc(strings.SplitAfter(session.SDP(), "\r\n"), func(l string) bool {
		return strings.Contains(l, " udp ")
	})
	require.NoError(t, p.SetAnswer(strings.Join(answer, "")))
	awaitConnection(t, p, r)
	require.NoError(t, p.WriteVideo(vp8Frame(1, 2000, true), 0))
	r.await(t, "the frame", func() bool { return len(r.frames[media.Video]) == 1 })
}

func TestTheSessionEndsWithItsPublisher(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	session, r := publish(t, s, p)
	p.Close()
	select {
	case <-session.Done():
	case <-time.After(2 * (disconnectedAfter + failedAfter)): // at the latest when nothing is heard
		t.Fatal("the session goes on")
	}
	require.Equal(t, []State{Connecting, Connected, Closed}, r.seen().states)
	session.Close() // again, and after the end
}

func TestThePublisherEndsWithItsSession(t *testing.T) {
	t.Parallel()
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	session, _ := publish(t, s, p)
	session.Close()
	select {
	case <-p.Done():
	case <-time.After(2 * (disconnectedAfter + failedAfter)): // at the latest when nothing is heard
		t.Fatal("the publisher goes on")
	}
}

func TestCloseEndsSessionsThatNeverConnected(t *testing.T) {
	s := listen(t, Config{})
	r := newRecorder()
	session, err := s.Answer(t.Context(), readOffer(t, "chromium"), r)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	<-session.Done()
	require.Equal(t, Closed, r.seen().states[len(r.seen().states)-1])
	_, err = s.Answer(t.Context(), readOffer(t, "chromium"), r)
	require.Equal(t, "server_closing", sluice.AsError(err).Code)
}

func TestTheEndOfTheContextEndsSessions(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Listen(ctx, Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	session, err := s.Answer(ctx, readOffer(t, "chromium"), newRecorder())
	require.NoError(t, err)
	cancel()
	<-session.Done()
}
