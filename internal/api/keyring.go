package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/clientaddr"
	"github.com/sluicelive/sluice/internal/eventkey"
)

// useResolution is how often the use of a key is recorded at most.
const useResolution = time.Minute

// errScope is the answer to a credential that is good for other calls.
var errScope = sluice.Errorf(sluice.KindForbidden, "scope_missing",
	"the key that was sent does not allow this call; send an application key")

// keyring checks application keys. It asks the store each time, so that a key
// revoked is refused at once, and records the uses beside the requests.
type keyring struct {
	store    sluice.AccountStore
	now      func() time.Time
	log      *slog.Logger
	used     chan sluice.Key
	failures *failures
	watches  *watches
	ended    sync.WaitGroup
	stop     context.CancelFunc
}

func newKeyring(store sluice.AccountStore, now func() time.Time, log *slog.Logger) *keyring {
	ctx, stop := context.WithCancel(context.Background())
	k := &keyring{
		store: store, now: now, log: log, used: make(chan sluice.Key, 64), stop: stop,
		failures: newFailures(), watches: newWatches(),
	}
	k.ended.Go(func() { k.recordUses(ctx) })
	k.ended.Go(func() { k.watch(ctx) })
	return k
}

func (k *keyring) close() {
	k.stop()
	k.ended.Wait()
}

// principal finds who sends a request. Whatever is wrong with a key, the answer
// is sluice.ErrKeyInvalid, or that too many were sent.
func (k *keyring) principal(r *http.Request) (principal, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	text = strings.TrimSpace(text)
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return principal{}, sluice.ErrKeyInvalid
	}
	key, err := k.store.AnyKey(r.Context(), sluice.KeyID(text))
	if err != nil && !errors.Is(err, sluice.ErrKeyNotFound) {
		return principal{}, err
	}
	// The right key is let in whatever wrong ones came before: otherwise strangers
	// could lock its owner out.
	if err != nil || !key.Accepts(text) {
		return principal{}, k.refuse(r, key.ID)
	}
	k.note(key)
	return principal{
		Owner:  eventkey.Owner{Account: key.AccountID, Key: key.ID},
		scopes: scopes(),
	}, nil
}

// refuse counts a wrong key. id is the public id of the key that it gives itself
// out for; empty when there is none such.
func (k *keyring) refuse(r *http.Request, id string) error {
	from := clientaddr.Key(clientaddr.Of(r))
	verdict := k.failures.count(from, id, k.now())
	if verdict.report {
		k.log.Warn("many wrong application keys: more of them are answered 429", "addr", from.String(), "key", id)
	}
	if verdict.wait > 0 {
		return errTooManyKeys.After(verdict.wait)
	}
	return sluice.ErrKeyInvalid
}

// note queues a use for recording. When the queue is full the use is dropped:
// the next request with the key brings another.
func (k *keyring) note(key sluice.Key) {
	if key.LastUsedAt != nil && k.now().Sub(*key.LastUsedAt) < useResolution {
		return
	}
	select {
	case k.used <- key:
	default:
	}
}

// recordUses writes down uses until ctx ends, each key's once a minute however
// many requests were under way when the minute began.
func (k *keyring) recordUses(ctx context.Context) {
	last := make(map[string]time.Time)
	for {
		select {
		case <-ctx.Done():
			return
		case key := <-k.used:
			now := k.now()
			if now.Sub(last[key.ID]) < useResolution {
				continue
			}
			err := k.store.TouchKey(ctx, key.AccountID, key.ID, now)
			if err == nil {
				last[key.ID] = now
			} else if ctx.Err() == nil {
				k.log.Warn("use of key not recorded; the next one will be", "key", key.ID, "err", err)
			}
		}
	}
}
