package live

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// locked holds the database's lock, as another program may, until release.
func (h *house) locked() (release func()) {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.data, "sluice.db"))
	require.NoError(h, err)
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(h.Context(), "BEGIN IMMEDIATE")
	require.NoError(h, err)
	return func() {
		_, err := db.ExecContext(h.Context(), "ROLLBACK")
		require.NoError(h, err)
		require.NoError(h, db.Close())
	}
}

// longerThanBusy is longer than two writes wait for the lock, one after the other.
const longerThanBusy = 12 * time.Second

// B26: what the store does not take is written once it does.
func TestStateIsRecordedOnceTheStoreIsFree(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.ReconnectWindow = time.Minute })
	p := h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	p.stop()
	h.next(events, sluice.EventReconnecting)
	require.Equal(t, sluice.StatusReconnecting, h.stored().Status())

	release := h.locked()
	h.publish(media.VP8)
	require.Never(t, func() bool { return h.stored().Status() != sluice.StatusReconnecting },
		longerThanBusy, 500*time.Millisecond, "the store is busy")
	release()
	h.next(events, sluice.EventStarted)
	require.Equal(t, sluice.StatusLive, h.stored().Status())
}

// What is no longer true when the store is free is not written, and not told.
func TestStateThatIsNoLongerTrueIsNotRecorded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.ReconnectWindow = time.Minute })
	p := h.goLive()
	h.advance(time.Second)
	before := h.stored()
	events := h.subscribe()
	h.next(events, sluice.EventStarted) // the state that there is

	release := h.locked()
	p.stop()
	rs := h.server.running(h.stream)
	require.Eventually(t, rs.isAway.Load, 10*time.Second, 10*time.Millisecond)
	h.publish(media.VP8)
	require.Eventually(t, func() bool { return !rs.isAway.Load() }, 10*time.Second, 10*time.Millisecond)
	release()
	h.advance(time.Second)
	require.Equal(t, sluice.StatusLive, h.stored().Status())
	require.Equal(t, before.Broadcast.StartedAt, h.stored().Broadcast.StartedAt)
}

// The end of a stream is written once the store is free, however long that takes:
// until then it is open, and billed.
func TestEndIsRecordedOnceTheStoreIsFree(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.ReconnectWindow = 500 * time.Millisecond })
	p := h.goLive()
	events := h.subscribe()
	h.advance(time.Second)
	release := h.locked()
	p.stop()
	rs := h.server.running(h.stream)
	require.Never(t, func() bool {
		select {
		case <-rs.done:
			return true
		default:
			return false
		}
	}, storePatience+6*time.Second, 100*time.Millisecond, "given up")
	release()
	require.Equal(t, "publisher_gone", h.next(events, sluice.EventEnded)["cause"])
	require.Equal(t, sluice.StatusEnded, h.stored().Status())
}
