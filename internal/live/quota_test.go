package live

import (
	"log/slog"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// prepareAnother creates one more stream of an account and prepares it.
func (h *house) prepareAnother(owner sluice.AccountID) (sluice.StreamID, error) {
	h.Helper()
	st := sluice.Stream{Name: "one more", Quality: "360"}
	require.NoError(h, st.Validate())
	require.NoError(h, h.store.CreateStream(h.Context(), owner, &st))
	_, err := h.server.Prepare(h.Context(), owner, st.ID)
	return st.ID, err
}

func (h *house) anotherAccount() sluice.AccountID {
	h.Helper()
	account := sluice.Account{Name: "b", CreatedAt: time.Now()}
	require.NoError(h, h.store.CreateAccount(h.Context(), &account))
	return account.ID
}

func TestPreparedStreamsOfAnAccountAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.MaxPrepared = 2 })
	first, err := h.prepareAnother(h.owner)
	require.NoError(t, err)
	_, err = h.prepareAnother(h.owner)
	require.NoError(t, err)

	third, err := h.prepareAnother(h.owner)
	refused := sluice.AsError(err)
	require.Equal(t, sluice.KindTooMany, refused.Kind)
	require.Equal(t, "too_many_prepared", refused.Code)
	require.Positive(t, refused.RetryAfter)
	st, err := h.store.Stream(t.Context(), h.owner, sluice.StreamRef{ID: third})
	require.NoError(t, err)
	require.Nil(t, st.Broadcast.PreparedAt, "nothing is left half done")

	_, err = h.server.Prepare(t.Context(), h.owner, first)
	require.NoError(t, err, "a repeat is none more")
	_, err = h.prepareAnother(h.anotherAccount())
	require.NoError(t, err, "another account has its own share")
	_, err = h.server.End(t.Context(), h.owner, first, sluice.EndRequested)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err = h.server.Prepare(t.Context(), h.owner, third)
		return err == nil
	}, 5*time.Second, 10*time.Millisecond, "there is room again")
}

func TestWindowsOfEndedStreamsCount(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.MaxStreams = 1 })
	h.goLive()
	_, err := h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
	_, err = h.prepareAnother(h.owner)
	require.Equal(t, "too_many_streams", sluice.AsError(err).Code)
}

// TestPreparedStreamsCostLittle measures this whole process while they wait.
func TestPreparedStreamsCostLittle(t *testing.T) {
	const streams = 1000
	h := newHouse(t, nil)
	h.server.log = slog.New(slog.DiscardHandler)
	for range streams {
		_, err := h.prepareAnother(h.owner)
		require.NoError(t, err)
	}
	runtime.GC()
	const wall = 3 * time.Second
	before := cpuTime(t)
	<-time.After(wall)
	used := cpuTime(t) - before
	t.Logf("%d prepared streams use %.2f %% of a core", streams, 100*used.Seconds()/wall.Seconds())
	// Loops that looked round every 20 ms would take several cores. The race detector
	// and a machine that is busy with other tests make a few per cent ten.
	require.Less(t, used, wall/3, "a third of a core")
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestAFirstSessionIsNotMadeToWait connects to a stream whose loop looks round
// once a second.
func TestAFirstSessionIsNotMadeToWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	h.publish(media.VP8)
	rs := h.server.running(h.stream)
	require.Eventually(t, func() (fast bool) {
		return rs.do(t.Context(), func() { fast = rs.interval() == tickInterval }) == nil && fast
	}, time.Second, time.Millisecond)
}
