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
			require.Equal(t, "text", m.Once("playlist", func() any { derived.Add(1); return "text" }))
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, derived.Load())
	require.Equal(t, 2, m.Once("another", func() any { return 2 }))
}
