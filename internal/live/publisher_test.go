package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

func TestAPublisherReturnsInAnotherCodec(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	events := h.goLiveAndLeave()
	require.Equal(t, sluice.StatusReconnecting, h.stored().Status())
	h.publish(media.H264)
	h.next(events, sluice.EventStarted)
	h.advance(4 * time.Second)
	h.requireWhole()
	require.Equal(t, sluice.StatusLive, h.stored().Status())
}

func TestAPageThatIsReloadedTakesOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.ReconnectWindow = time.Second })
	h.goLive() // and stays connected, as far as anybody knows
	h.advance(2 * time.Second)
	h.publish(media.VP8)
	h.advance(4 * time.Second)
	h.requireWhole()
	require.Equal(t, sluice.StatusLive, h.stored().Status())
}

func TestAPublisherThatStaysAwayEndsTheStream(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	h := newHouse(t, nil)
	h.goLive().silent.Store(true)
	h.advance(5 * time.Second)
	h.requireWhole()
}
