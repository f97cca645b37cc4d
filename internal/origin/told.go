package origin

import (
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/dash"
)

// told is which streams a player was told to run of late, by an MPD: it learns
// more only when it asks again, and is told the end in a way of its own.
type told struct {
	mu    sync.Mutex
	swept time.Time
	at    map[sluice.StreamID]time.Time
}

// runs notes that a player is told that a stream runs.
func (t *told) runs(id sluice.StreamID, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil {
		t.at = map[sluice.StreamID]time.Time{}
	}
	t.at[id] = now
	if now.Sub(t.swept) < dash.EndNotice {
		return
	}
	t.swept = now
	for other, at := range t.at {
		if now.Sub(at) >= dash.EndNotice {
			delete(t.at, other)
		}
	}
}

// recently reports whether a player may know of a stream only that it runs.
func (t *told) recently(id sluice.StreamID, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, known := t.at[id]
	return known && now.Sub(at) < dash.EndNotice
}
