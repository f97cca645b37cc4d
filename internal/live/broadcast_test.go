package live

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc"
)

func TestABroadcastFromPrepareToEnd(t *testing.T) {
	t.Parallel()
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

func TestStartRefusesAPublisherThatSendsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.StartTimeout = 4 * time.Second })
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8, silent)
	_, err = h.server.Start(t.Context(), h.owner, h.stream)
	require.Equal(t, "media_missing", sluice.AsError(err).Code)
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.PrepareTimeout = 100 * time.Millisecond })
	events := h.subscribe()
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	require.Equal(t, "never_started", h.next(events, sluice.EventEnded)["cause"])
}

func TestShutdownEndsStreams(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.goLive()
	h.server.Close()
	require.Equal(t, sluice.EndShutdown, h.stored().Broadcast.EndCause)
	require.ErrorIs(t, syscall.Kill(<-h.log.pids, 0), syscall.ESRCH, "the encoder is gone")
	h.server.Close()
}

func TestRecoverClosesWhatAKilledServerLeftOpen(t *testing.T) {
	t.Parallel()
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
