package eventkey

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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

	key, err := first.ForStream(owner, stream, now, time.Hour)
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
	made := make(chan struct{}, 8)
	for range cap(made) {
		makers.Go(func() {
			if create(path) == nil {
				made <- struct{}{}
			}
		})
	}
	makers.Wait()
	close(made)
	require.Len(t, made, 1)
	kept, err := os.ReadFile(path) //nolint:gosec // G304: this test's own file
	require.NoError(t, err)
	require.Len(t, kept, secretLength)
}

// A server that runs uses a secret that was rotated meanwhile. Keys of the
// one before stay good, those of older ones do not.
func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.key")
	require.ErrorIs(t, Rotate(path), os.ErrNotExist, "there is nothing to rotate before the first start")
	server, err := LoadOrCreate(path)
	require.NoError(t, err)
	issue := func() string {
		key, err := server.ForStream(owner, stream, now, time.Hour)
		require.NoError(t, err)
		return key
	}
	good := func(keys *Keys, key string) bool {
		_, err := keys.Verify(key, account, stream, now)
		return err == nil
	}
	first := issue()
	require.NoError(t, os.WriteFile(path+".new", []byte("half"), 0o600), "an earlier rotation was interrupted")
	require.NoError(t, Rotate(path))
	second := issue()
	require.True(t, good(server, first))
	require.True(t, good(server, second))

	restarted, err := LoadOrCreate(path)
	require.NoError(t, err)
	require.True(t, good(restarted, first))
	require.True(t, good(restarted, second))
	onlyNew := New(restarted.secrets.current.bytes)
	require.True(t, good(onlyNew, second), "new keys are signed with the new secret")
	require.False(t, good(onlyNew, first))

	require.NoError(t, Rotate(path))
	require.False(t, good(server, first), "twice rotated")
	require.True(t, good(server, second))
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 2)
	for _, file := range left {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file.Name())
	}
}

// A file that is replaced by one that cannot be read, while the server runs, ends
// no key and shuts no subscriber out. The log says what is wrong, once.
func TestUnreadableReplacement(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.key")
	server, err := LoadOrCreate(path)
	require.NoError(t, err)
	var log strings.Builder
	server.Log = slog.New(slog.NewTextHandler(&log, nil))
	secret, err := os.ReadFile(path) //nolint:gosec // G304: this test's own file
	require.NoError(t, err)
	replace := func(with func(fresh string) error) {
		t.Helper()
		require.NoError(t, with(path+".fresh"))
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, os.Rename(path+".fresh", path))
	}
	write := func(text []byte) func(string) error {
		return func(fresh string) error { return os.WriteFile(fresh, text, 0o600) } //nolint:gosec // G703: this test's own file
	}
	good := func() {
		t.Helper()
		for range 3 {
			key, err := server.ForStream(owner, stream, now, time.Hour)
			require.NoError(t, err)
			_, err = server.Verify(key, account, stream, now)
			require.NoError(t, err)
		}
	}
	lines := func() int { return strings.Count(log.String(), "level=WARN") }
	good()
	require.Zero(t, lines())
	replace(write([]byte("half")))
	good()
	require.Equal(t, 1, lines(), log.String())
	require.Contains(t, log.String(), "has 4 bytes, not 32")
	replace(write(secret))
	good()
	replace(func(fresh string) error { return os.Mkdir(fresh, 0o700) })
	good()
	require.Equal(t, 2, lines(), "it was whole meanwhile")
	require.NotContains(t, log.String(), string(secret))
}
