package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAttempts(t *testing.T) {
	var a attempts
	now := time.Hour
	pause, again := a.next(now)
	require.True(t, again)
	require.Zero(t, pause, "one crash is mended at once")
	var last time.Duration
	for range maxAttempts - 1 {
		now += time.Second
		pause, again = a.next(now)
		require.True(t, again)
		require.GreaterOrEqual(t, pause, last, "pauses grow")
		last = pause
	}
	_, again = a.next(now)
	require.False(t, again, "and end")
	_, again = a.next(now + attemptsReset + time.Second)
	require.True(t, again, "a quiet minute forgets")
}
