package main

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	// GOMEMLIMIT counts when it is there, even empty. Setenv restores it afterwards.
	t.Setenv("GOMEMLIMIT", "")
	require.NoError(t, os.Unsetenv("GOMEMLIMIT"))
	limit := func(c serveCmd) int64 {
		c.limitMemory(slog.New(slog.DiscardHandler))
		return debug.SetMemoryLimit(-1)
	}

	require.Equal(t, int64(300<<20), limit(serveCmd{MemoryLimit: 300}))
	derived := limit(serveCmd{})
	require.Greater(t, derived, int64(64<<20), "a share of what the machine has")
	require.Less(t, derived, int64(math.MaxInt64))

	t.Setenv("GOMEMLIMIT", "400MiB")
	debug.SetMemoryLimit(400 << 20) // as Go does when it starts
	require.Equal(t, int64(400<<20), limit(serveCmd{}), "the operator has said it to Go")
	require.Equal(t, int64(300<<20), limit(serveCmd{MemoryLimit: 300}), "the flag counts most")
}
