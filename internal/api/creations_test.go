package api

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestCreationsAMinute(t *testing.T) {
	c := creations{most: 2}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, c.take(1, start))
	require.NoError(t, c.take(1, start.Add(20*time.Second)))
	err := sluice.AsError(c.take(1, start.Add(50*time.Second)))
	require.Equal(t, sluice.KindTooMany, err.Kind)
	require.Equal(t, 10*time.Second, err.RetryAfter, "when the minute is over")
	require.NoError(t, c.take(2, start.Add(50*time.Second)), "another account has its own share")
	require.NoError(t, c.take(1, start.Add(time.Minute)))
	require.NoError(t, c.take(3, start.Add(10*time.Minute)))
	require.Len(t, c.accounts, 1, "what is over is forgotten")
}
