package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
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

func (h *house) publish(codec media.Codec, options ...func(*publisher)) *publisher {
	h.Helper()
	picture := media.Slate(codec)
	pub, err := webrtc.NewPublisher(webrtc.PublisherConfig{Video: codec, Audio: true})
	require.NoError(h, err)
	offer, err := pub.Offer(h.Context())
	require.NoError(h, err)
	answer, err := h.server.Init(h.Context(), h.owner, h.stream, offer)
	require.NoError(h, err)
	require.NoError(h, pub.SetAnswer(answer))
	<-pub.Connected()

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

func TestABroadcastFromPrepareToEnd(t *testing.T) {
	h := newHouse(t, nil)
	_, err := h.server.Presentation(t.Context(), h.stream)
	require.Equal(t, sluice.KindNotFound, sluice.AsError(err).Kind, "nothing to watch before the start")
	events := h.subscribe()
	h.goLive()
	h.next(events, sluice.EventReady)
	h.next(events, sluice.EventStarted)
	h.advance(3 * time.Second)
	h.requireWhole()

	again, err := h.server.Start(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	require.Equal(t, h.stored().Broadcast.StartedAt, again.Broadcast.StartedAt, "a second start changes nothing")
	require.Len(t, h.log.pids, 1, "and starts no second encoder")

	st, err := h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
	require.Equal(t, sluice.StatusEnded, st.Status())
	require.Equal(t, "requested", h.next(events, sluice.EventEnded)["cause"])
	p, err := h.server.Presentation(t.Context(), h.stream)
	require.NoError(t, err, "the window lasts a while")
	require.True(t, p.Snapshot().Ended())
	repeated, err := h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
	require.Equal(t, st.Broadcast.EndedAt, repeated.Broadcast.EndedAt)
	_, err = h.server.Init(t.Context(), h.owner, h.stream, "v=0")
	require.Equal(t, "stream_ended", sluice.AsError(err).Code)
}

func TestAPublisherReturnsInAnotherCodec(t *testing.T) {
	h := newHouse(t, nil)
	p := h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	p.stop()
	h.next(events, sluice.EventReconnecting)
	require.Equal(t, sluice.StatusReconnecting, h.stored().Status())
	h.publish(media.H264)
	h.next(events, sluice.EventStarted)
	h.advance(4 * time.Second)
	h.requireWhole()
	require.Equal(t, sluice.StatusLive, h.stored().Status())
}

func TestAPageThatIsReloadedTakesOver(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.ReconnectWindow = time.Second })
	h.goLive() // and stays connected, as far as anybody knows
	h.advance(2 * time.Second)
	h.publish(media.VP8)
	h.advance(4 * time.Second)
	h.requireWhole()
	require.Equal(t, sluice.StatusLive, h.stored().Status())
}

func TestAnEncoderThatDiesWhileThePublisherIsAwayIsReplaced(t *testing.T) {
	h := newHouse(t, nil)
	p := h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	p.stop()
	h.next(events, sluice.EventReconnecting)
	require.NoError(t, syscall.Kill(<-h.log.pids, syscall.SIGKILL))
	h.next(events, sluice.EventError)
	h.advance(4 * time.Second)
	h.requireWhole()
}

func TestStartSaysWhyAStreamFailed(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.FFmpeg, c.StartTimeout = "false", time.Minute })
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "stream_failed", sluice.AsError(err).Code)
	require.Contains(t, sluice.AsError(err).Message, "sluice doctor")
	require.NotContains(t, sluice.AsError(err).Message, "exit status", "what a child says is for the log")
	require.Equal(t, sluice.StatusError, h.stored().Status())
}

func TestStartRefusesAPublisherThatSendsNothing(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.StartTimeout = 4 * time.Second })
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8, silent)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "media_missing", sluice.AsError(err).Code)
}

func TestAPublisherThatStaysAwayEndsTheStream(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.ReconnectWindow = time.Second })
	p := h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	p.stop()
	gone := time.Now()
	require.Equal(t, "publisher_gone", h.next(events, sluice.EventEnded)["cause"])
	require.WithinDuration(t, gone, *h.stored().Broadcast.EndedAt, 300*time.Millisecond, "billed to the last frame, not to the end of the wait")
}

func TestAPublisherThatStopsSendingIsFilled(t *testing.T) {
	h := newHouse(t, nil)
	h.goLive().silent.Store(true)
	h.advance(5 * time.Second)
	h.requireWhole()
}

// standBy prepares and publishes; gives the process id of the encoder that waits.
func (h *house) standBy() int {
	h.Helper()
	_, err := h.server.Prepare(h.Context(), h.owner, h.stream)
	require.NoError(h, err)
	h.publish(media.VP8)
	return <-h.log.pids
}

func TestAnEncoderStandsByForTheStart(t *testing.T) {
	for name, killed := range map[string]bool{"alive": false, "killed while it waits": true} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			events := h.subscribe()
			pid := h.standBy()
			if killed {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
				rs := h.server.running(h.stream)
				require.Eventually(t, func() (gone bool) {
					return rs.do(t.Context(), func() { gone = rs.standby == nil }) == nil && gone
				}, 5*time.Second, time.Millisecond)
			}
			_, err := h.server.Start(t.Context(), h.owner, h.stream)
			require.NoError(t, err)
			require.Equal(t, killed, len(h.log.pids) == 1, "another encoder only if there must be")
			h.advance(time.Second)
			h.requireWhole()
			h.next(events, sluice.EventReady)
			require.Equal(t, sluice.EventStarted, (<-events).Type, "nobody is troubled with it")
		})
	}
}

func TestAnEncoderThatIsNotWantedGoesWithItsStream(t *testing.T) {
	h := newHouse(t, nil)
	pid := h.standBy()
	_, err := h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestAnEncoderThatStandsByOutlivesItsPublisher(t *testing.T) {
	h := newHouse(t, nil)
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8).stop()
	h.publish(media.H264)
	pid := <-h.log.pids
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	require.Empty(t, h.log.pids, "the one that stood by took over")
	h.server.Close()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestAnEncoderThatStandsByGoesWithTheServer(t *testing.T) {
	h := newHouse(t, nil)
	pid := h.standBy()
	h.server.Close()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestAKilledEncoderIsReplaced(t *testing.T) {
	h := newHouse(t, nil)
	h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	killed := time.Now()
	require.NoError(t, syscall.Kill(<-h.log.pids, syscall.SIGKILL))
	require.Equal(t, "encoder_restarted", h.next(events, sluice.EventError)["code"])
	require.Less(t, time.Since(killed), time.Second)
	h.advance(4 * time.Second)
	h.requireWhole()
}

func TestAHungEncoderIsReplaced(t *testing.T) {
	h := newHouse(t, nil)
	h.goLive()
	events := h.subscribe()
	pid := <-h.log.pids
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	require.Equal(t, "encoder_restarted", h.next(events, sluice.EventError)["code"])
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	h.advance(4 * time.Second)
	h.requireWhole()
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.StartTimeout = 50 * time.Millisecond })
	_, err := h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "stream_not_prepared", sluice.AsError(err).Code)
	_, err = h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "publisher_missing", sluice.AsError(err).Code)

	pub, err := webrtc.NewPublisher(webrtc.PublisherConfig{Video: media.VP8, Audio: true})
	require.NoError(t, err)
	defer pub.Close()
	offer, err := pub.Offer(t.Context())
	require.NoError(t, err)
	answer, err := h.server.Init(t.Context(), h.owner, h.stream, offer)
	require.NoError(t, err)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "publisher_not_connected", sluice.AsError(err).Code)
	require.NoError(t, pub.SetAnswer(answer))
	<-pub.Connected()
	require.Eventually(t, func() bool {
		_, err = h.server.Start(t.Context(), h.owner, h.stream)
		return sluice.AsError(err).Code == "media_missing"
	}, 5*time.Second, 50*time.Millisecond)
}

func TestAPreparedStreamThatNobodyPublishesToEnds(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.PrepareTimeout = 100 * time.Millisecond })
	events := h.subscribe()
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	require.Equal(t, "never_started", h.next(events, sluice.EventEnded)["cause"])
}

func TestShutdownEndsStreams(t *testing.T) {
	h := newHouse(t, nil)
	h.goLive()
	h.server.Close()
	require.Equal(t, sluice.EndShutdown, h.stored().Broadcast.EndCause)
	require.ErrorIs(t, syscall.Kill(<-h.log.pids, 0), syscall.ESRCH, "the encoder is gone")
	h.server.Close()
}

func TestRecoverClosesWhatAKilledServerLeftOpen(t *testing.T) {
	h := newHouse(t, nil)
	prepared := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	lastMedia := prepared.Add(20 * time.Minute)
	_, err := h.store.UpdateStream(t.Context(), h.owner, h.stream, func(st *sluice.Stream) error {
		if err := st.Prepare(prepared); err != nil {
			return err
		}
		return st.Start(prepared.Add(time.Minute))
	})
	require.NoError(t, err)
	require.NoError(t, h.store.RecordMedia(t.Context(), h.owner, h.stream, lastMedia))
	for range 2 { // killed again while it recovers: closed once
		require.NoError(t, h.server.Recover(t.Context()))
		require.Equal(t, lastMedia, h.stored().Broadcast.EndedAt.UTC())
		require.Equal(t, sluice.EndRecovered, h.stored().Broadcast.EndCause)
	}
	_, err = h.server.Presentation(t.Context(), h.stream)
	require.Equal(t, sluice.KindGone, sluice.AsError(err).Kind)
}

// pidLog is a log that catches the process ids of encoders.
type pidLog struct{ pids chan int }

func (l *pidLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *pidLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *pidLog) WithGroup(string) slog.Handler            { return l }

func (l *pidLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "encoder launched" && a.Key == "pid" {
			l.pids <- int(a.Value.Int64())
		}
		return true
	})
	return nil
}
