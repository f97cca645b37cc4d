package cmaf

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemo(t *testing.T) {
	var m Memo
	var derived atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			require.Equal(t, "text", Once(&m, "playlist", func() string { derived.Add(1); return "text" }))
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, derived.Load())
	require.Equal(t, "other", Once(&m, "another", func() string { return "other" }))
	require.Equal(t, 2, Once(&m, "playlist", func() int { return 2 }), "of another type")
}
