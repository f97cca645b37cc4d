package eventkey

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.key")
	first, err := LoadOrCreate(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, int64(secretLength), info.Size())

	key, err := first.ForStream(account, stream, now, time.Hour)
	require.NoError(t, err)
	second, err := LoadOrCreate(path)
	require.NoError(t, err)
	_, err = second.Verify(key, account, stream, now)
	require.NoError(t, err, "keys outlive a restart")
}

func TestLoadBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.key")
	require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
	_, err := LoadOrCreate(path)
	require.ErrorContains(t, err, "has 4 bytes, not 32")
	require.ErrorContains(t, err, path)
	left, err := os.ReadFile(path) //nolint:gosec // G304: this test's own file
	require.NoError(t, err)
	require.Equal(t, "half", string(left), "the file is left alone")
}

func TestCreateFails(t *testing.T) {
	_, err := LoadOrCreate(filepath.Join(t.TempDir(), "missing", "event.key"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Only one of several makers wins, and none overwrites.
func TestCreateOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.key")
	var makers sync.WaitGroup
	made := make(chan []byte, 8)
	for range cap(made) {
		makers.Go(func() {
			if secret, err := create(path); err == nil {
				made <- secret
			}
		})
	}
	makers.Wait()
	close(made)
	require.Len(t, made, 1)
	kept, err := os.ReadFile(path) //nolint:gosec // G304: this test's own file
	require.NoError(t, err)
	require.Equal(t, <-made, kept)
}
