package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
)

// useResolution is how often the use of a key is recorded at most.
const useResolution = time.Minute

// keyring checks application keys. It asks the store each time, so that a key
// revoked is refused at once, and records the uses beside the requests.
type keyring struct {
	store sluice.AccountStore
	now   func() time.Time
	log   *slog.Logger
	used  chan sluice.Key
	ended sync.WaitGroup
	stop  context.CancelFunc
}

func newKeyring(store sluice.AccountStore, now func() time.Time, log *slog.Logger) *keyring {
	ctx, stop := context.WithCancel(context.Background())
	k := &keyring{store: store, now: now, log: log, used: make(chan sluice.Key, 64), stop: stop}
	k.ended.Go(func() { k.recordUses(ctx) })
	return k
}

func (k *keyring) close() {
	k.stop()
	k.ended.Wait()
}

// account finds whose key an Authorization header carries. Whatever is wrong
// with it, the answer is sluice.ErrKeyInvalid.
func (k *keyring) account(ctx context.Context, header string) (sluice.AccountID, error) {
	scheme, text, _ := strings.Cut(header, " ")
	text = strings.TrimSpace(text)
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return 0, sluice.ErrKeyInvalid
	}
	key, err := k.store.Key(ctx, sluice.AnyAccount, sluice.KeyID(text))
	if errors.Is(err, sluice.ErrKeyNotFound) {
		return 0, sluice.ErrKeyInvalid
	}
	if err != nil {
		return 0, err
	}
	if !key.Accepts(text) {
		return 0, sluice.ErrKeyInvalid
	}
	k.note(key)
	return key.AccountID, nil
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
			last[key.ID] = now
			if err := k.store.TouchKey(ctx, key.AccountID, key.ID, now); err != nil && ctx.Err() == nil {
				k.log.Warn("use of key not recorded", "key", key.ID, "err", err)
			}
		}
	}
}
