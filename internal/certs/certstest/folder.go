package certstest

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Folder is one to keep certificates in, which goes with the test. Whoever asks
// an authority may write into it for a moment after it was told to end, so it is
// removed until it stays away.
func Folder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "sluice-certificates-") //nolint:usetesting // which fails when a file is written while it removes
	require.NoError(t, err)
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.RemoveAll(folder) == nil }, 10*time.Second, 50*time.Millisecond)
	})
	return folder
}
