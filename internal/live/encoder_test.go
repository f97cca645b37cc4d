package live

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// standBy prepares and publishes; gives the process id of the encoder that waits.
func (h *house) standBy() int {
	h.Helper()
	_, err := h.server.Prepare(h.Context(), h.owner, h.stream)
	require.NoError(h, err)
	h.publish(media.VP8)
	return <-h.log.pids
}

func TestAnEncoderStandsByForTheStart(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"alive": false, "killed while it waits": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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
			require.Equal(t, sluice.EventStarted, (<-events).Type, "no error is told")
		})
	}
}

func TestAnEncoderThatIsNotWantedGoesWithItsStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	pid := h.standBy()
	_, err := h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestAnEncoderThatStandsByOutlivesItsPublisher(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	h := newHouse(t, nil)
	pid := h.standBy()
	h.server.Close()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestAKilledEncoderIsReplaced(t *testing.T) {
	t.Parallel()
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

func TestAnEncoderThatDiesWhileThePublisherIsAwayIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	events := h.goLiveAndLeave()
	require.NoError(t, syscall.Kill(<-h.log.pids, syscall.SIGKILL))
	h.next(events, sluice.EventError)
	h.advance(4 * time.Second)
	h.requireWhole()
}

func TestAHungEncoderIsReplaced(t *testing.T) {
	t.Parallel()
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
