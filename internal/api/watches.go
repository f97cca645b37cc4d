package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/eventkey"
)

// revocationInterval is how soon the revocation of an application key, which
// another process may write, ends the event streams that were opened by it.
const revocationInterval = 500 * time.Millisecond

// watches are the application keys that open event streams hang on. The store is
// asked once for each key, however many streams hang on it.
type watches struct {
	mu    sync.Mutex
	byKey map[eventkey.Owner]*watch
}

type watch struct {
	streams int
	revoked chan struct{} // closed when the key is no longer good
}

func newWatches() *watches { return &watches{byKey: map[eventkey.Owner]*watch{}} }

// join returns a channel that closes when the key is revoked, until leave.
func (w *watches) join(o eventkey.Owner) (revoked <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	on := w.byKey[o]
	if on == nil {
		on = &watch{revoked: make(chan struct{})}
		w.byKey[o] = on
	}
	on.streams++
	return on.revoked, sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if on.streams--; on.streams == 0 && w.byKey[o] == on {
			delete(w.byKey, o)
		}
	})
}

// end tells those that hang on a key.
func (w *watches) end(o eventkey.Owner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on := w.byKey[o]; on != nil {
		close(on.revoked)
		delete(w.byKey, o)
	}
}

func (w *watches) owners() []eventkey.Owner {
	w.mu.Lock()
	defer w.mu.Unlock()
	owners := make([]eventkey.Owner, 0, len(w.byKey))
	for o := range w.byKey {
		owners = append(owners, o)
	}
	return owners
}

// watch looks for revoked keys until ctx ends.
func (k *keyring) watch(ctx context.Context) {
	ticker := time.NewTicker(revocationInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, o := range k.watches.owners() {
			if errors.Is(k.stillGood(ctx, o), eventkey.ErrInvalid) {
				k.watches.end(o)
			}
		}
	}
}

// stillGood fails with eventkey.ErrInvalid when the application key that an event
// key was made with is no longer good.
func (k *keyring) stillGood(ctx context.Context, o eventkey.Owner) error {
	key, err := k.store.Key(ctx, o.Account, o.Key)
	switch {
	case errors.Is(err, sluice.ErrKeyNotFound):
		return eventkey.ErrInvalid.Wrap(err)
	case err != nil:
		return err
	case key.RevokedAt != nil:
		return eventkey.ErrInvalid.Wrap(errors.New("its application key was revoked"))
	}
	return nil
}
