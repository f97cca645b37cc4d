package live

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

// refusing is a store that takes nothing.
type refusing struct {
	sluice.Store
	tries []time.Time
}

func (r *refusing) UpdateStream(context.Context, sluice.AccountID, sluice.StreamID, func(*sluice.Stream) error) (*sluice.Stream, error) {
	r.tries = append(r.tries, time.Now())
	return nil, errors.New("the disk is full")
}

// An end that the store refuses is tried again, less and less often, and once more
// at once when the server stops.
func TestAnEndThatIsRefusedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, said := &refusing{}, &bytes.Buffer{}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		s := &Server{cfg: Config{Store: store}, ctx: ctx, stop: stop}
		ended := make(chan error, 1)
		began := time.Now()
		go func() {
			ended <- s.closeWithPatience(&stream{log: slog.New(slog.NewTextHandler(said, nil))}, ending{})
		}()
		<-time.After(time.Minute)
		synctest.Wait()
		require.Less(t, store.tries[1].Sub(began), time.Second, "the store may be busy for a moment only")
		require.Less(t, len(store.tries), 25)
		for i := range len(store.tries) - 1 {
			require.LessOrEqual(t, store.tries[i+1].Sub(store.tries[i]), storeRetryMost)
		}
		require.Equal(t, 1, bytes.Count(said.Bytes(), []byte("disk is full")))

		stopped, before := time.Now(), len(store.tries)
		stop()
		require.ErrorContains(t, <-ended, "disk is full")
		require.Equal(t, storePatience, time.Since(stopped))
		require.Equal(t, stopped, store.tries[before])
	})
}
