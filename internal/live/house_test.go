package live

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/sqldb"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// TestMain is FFmpeg in the processes that a Confinement starts.
func TestMain(m *testing.M) {
	if status, asked := ffmpeg.RunConfined(os.Args, os.Environ()); asked {
		os.Exit(status)
	}
	// Most tests wait for media and use little of a core.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// house is a Server with everything real around it: SQLite, WebRTC over
// loopback, FFmpeg.
type house struct {
	*testing.T
	server *Server
	store  sluice.Store
	bus    *bus.Bus
	log    *pidLog
	owner  sluice.AccountID
	stream sluice.StreamID
	data   string // folder of the database
}

func newHouse(t *testing.T, change func(*Config)) *house {
	t.Helper()
	h := &house{T: t, log: &pidLog{pids: make(chan int, 16)}, bus: bus.New(time.Now), data: t.TempDir()}
	log := slog.New(h.log)
	db, err := sqldb.Open(t.Context(), filepath.Join(h.data, "sluice.db"), log)
	require.NoError(t, err)
	ingest, err := webrtc.Listen(t.Context(), webrtc.Config{Log: log})
	require.NoError(t, err)
	h.store = db
	confinement, _ := ffmpeg.Confine(t.Context(), "ffmpeg") // as the server that people run
	cfg := Config{Confinement: confinement, Store: db, Ingest: ingest, Bus: h.bus, Preset: "ultrafast", ReconnectWindow: 20 * time.Second, Log: log}
	if change != nil {
		change(&cfg)
	}
	h.server = New(cfg)
	t.Cleanup(func() {
		h.server.Close()
		h.bus.Close()
		require.NoError(t, ingest.Close())
		require.NoError(t, db.Close())
	})
	account := sluice.Account{Name: "a", CreatedAt: time.Now()}
	require.NoError(t, db.CreateAccount(t.Context(), &account))
	h.owner = account.ID
	st := sluice.Stream{Name: "stream", Quality: "360"}
	require.NoError(t, st.Validate())
	require.NoError(t, db.CreateStream(t.Context(), h.owner, &st))
	h.stream = st.ID
	return h
}

// publisher sends the codec's slate and silence at the pace of real time.
type publisher struct {
	stop   func()
	silent atomic.Bool                          // connected, but sends nothing
	shown  func(at time.Duration) time.Duration // when a video frame sent at a time belongs
}

// withBFrames makes a publisher send each second video frame after its successor.
func withBFrames(p *publisher) {
	const frame = 40 * time.Millisecond
	p.shown = func(at time.Duration) time.Duration {
		if n := at / frame; n%2 == 1 {
			return at + frame
		}
		return max(0, at-frame)
	}
}

// silent makes a publisher send nothing from the start.
func silent(p *publisher) { p.silent.Store(true) }

// connect makes a publisher whose connection stands at both ends.
func (h *house) connect(codec media.Codec) *webrtc.Publisher {
	h.Helper()
	pub, err := webrtc.NewPublisher(webrtc.PublisherConfig{Video: codec, Audio: true})
	require.NoError(h, err)
	offer, err := pub.Offer(h.Context())
	require.NoError(h, err)
	answer, err := h.server.Init(h.Context(), h.owner, h.stream, offer)
	require.NoError(h, err)
	require.NoError(h, pub.SetAnswer(answer))
	<-pub.Connected()
	h.awaitConnection()
	return pub
}

func (h *house) publish(codec media.Codec, options ...func(*publisher)) *publisher {
	h.Helper()
	picture, pub := media.Slate(codec), h.connect(codec)

	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	p := &publisher{
		stop:  sync.OnceFunc(func() { cancel(); sending.Wait(); pub.Close() }),
		shown: func(at time.Duration) time.Duration { return at },
	}
	for _, o := range options {
		o(p)
	}
	sending.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for at := time.Duration(0); ; at += 20 * time.Millisecond {
			if !p.silent.Load() {
				_ = pub.WriteAudio(media.OpusSilence, at)
			}
			if !p.silent.Load() && at%(40*time.Millisecond) == 0 {
				_ = pub.WriteVideo(picture, p.shown(at))
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	h.Cleanup(p.stop)
	return p
}

// awaitConnection waits until the server's end is connected, too. A session that ends
// before leaves a goroutine of Pion's behind when a packet comes at that moment.
func (h *house) awaitConnection() {
	h.Helper()
	rs := h.server.running(h.stream)
	require.Eventually(h, func() (connected bool) {
		return rs.do(h.Context(), func() { connected = !rs.machine.IsAway() }) == nil && connected
	}, 10*time.Second, 5*time.Millisecond)
}

// goLiveAndLeave is a broadcast whose publisher went away after a second. It gives
// the events that follow.
func (h *house) goLiveAndLeave() <-chan sluice.Event {
	h.Helper()
	p := h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	p.stop()
	h.next(events, sluice.EventReconnecting)
	return events
}

// goLive prepares, publishes in VP8 and starts.
func (h *house) goLive() *publisher {
	h.Helper()
	_, err := h.server.Prepare(h.Context(), h.owner, h.stream)
	require.NoError(h, err)
	p := h.publish(media.VP8)
	st, err := h.server.Start(h.Context(), h.owner, h.stream)
	require.NoError(h, err)
	require.Equal(h, sluice.StatusLive, st.Status())
	return p
}

// next waits for the next event of a type and reads its data.
func (h *house) next(events <-chan sluice.Event, kind sluice.EventType) map[string]any {
	h.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e, open := <-events:
			require.True(h, open, "the stream's events ended before %s", kind)
			if e.Type == kind {
				var data map[string]any
				require.NoError(h, json.Unmarshal(e.Data, &data))
				return data
			}
		case <-deadline:
			require.Fail(h, "no event", kind)
		}
	}
}

func (h *house) subscribe() <-chan sluice.Event {
	sub := h.bus.Subscribe(h.stream, 0, false)
	h.Cleanup(sub.Close)
	return sub.Events()
}

// advance waits until the media has come d further.
func (h *house) advance(d time.Duration) {
	h.Helper()
	p, err := h.server.Presentation(h.Context(), h.stream)
	require.NoError(h, err)
	goal := p.MediaEnd() + d
	require.Eventually(h, func() bool { return p.MediaEnd() >= goal }, 20*time.Second, 20*time.Millisecond)
}

// requireWhole checks that no segment number is missing and every segment is
// full, on every track.
func (h *house) requireWhole() {
	h.Helper()
	p, err := h.server.Presentation(h.Context(), h.stream)
	require.NoError(h, err)
	for _, track := range p.Snapshot().Tracks() {
		segments := track.Complete()[1:] // the first may hold no more than the encoder's priming
		for i, s := range segments {
			require.Equal(h, segments[0].Number+uint64(i), s.Number, "track %s", track.Name)
			if last := i == len(segments)-1; !last {
				require.InDelta(h, sluice.SegmentDuration, track.Time(s.Duration), float64(30*time.Millisecond), "track %s segment %d", track.Name, s.Number)
			}
		}
	}
}

func (h *house) stored() *sluice.Stream {
	h.Helper()
	st, err := h.store.Stream(h.Context(), h.owner, sluice.StreamRef{ID: h.stream})
	require.NoError(h, err)
	return st
}

// pidLog is a log that catches the process ids of encoders.
type pidLog struct{ pids chan int }

// drain forgets the processes so far.
func (l *pidLog) drain() {
	for {
		select {
		case <-l.pids:
		default:
			return
		}
	}
}

func (l *pidLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *pidLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *pidLog) WithGroup(string) slog.Handler            { return l }

func (l *pidLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "encoder launched" && a.Key == "pid" {
			select {
			case l.pids <- int(a.Value.Int64()):
			default: // a test that fails must still come to its end
			}
		}
		return true
	})
	return nil
}
