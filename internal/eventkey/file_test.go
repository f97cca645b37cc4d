package eventkey

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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
			if create(path, nil) == nil {
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

// Who rotates is often root, and who serves is not: the new files belong to whom
// the old one belongs to, and others read neither more nor less of them.
func TestRotateKeepsTheOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.key")
	_, err := LoadOrCreate(path)
	require.NoError(t, err)
	user, group := os.Getuid(), os.Getgid()
	if user == 0 {
		user, group = 12345, 23456
	}
	for _, mode := range []os.FileMode{0o600, 0o640, 0o400} {
		require.NoError(t, os.Chown(path, user, group))
		require.NoError(t, os.Chmod(path, mode))
		require.NoError(t, Rotate(path))
		for _, file := range []string{path, path + ".old"} {
			info, err := os.Stat(file)
			require.NoError(t, err)
			haveUser, haveGroup := belongsTo(info)
			require.Equal(t, []int{user, group}, []int{haveUser, haveGroup}, file)
			require.Equal(t, mode, info.Mode().Perm(), file)
		}
	}
}

// foreign is a file of a user whom only root can give files to.
type foreign struct{ os.FileInfo }

func (f foreign) Sys() any {
	return &syscall.Stat_t{Uid: uint32(os.Getuid()) + 1, Gid: uint32(os.Getgid())}
}

// A file that its reader could not read is not made: the one before stays.
func TestHandOver(t *testing.T) {
	like, err := os.Stat(t.TempDir())
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "event.key")
	err = write(path, []byte("secret"), foreign{like})
	if os.Getuid() == 0 {
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		user, _ := belongsTo(info)
		require.Equal(t, 1, user)
		return
	}
	require.ErrorIs(t, err, os.ErrPermission)
	require.ErrorContains(t, err, "or as root")
	require.NoFileExists(t, path)
}

// A rotation opens no file that is there: root must not write through a link.
func TestRotateFollowsNoLink(t *testing.T) {
	folder := t.TempDir()
	path, other := filepath.Join(folder, "event.key"), filepath.Join(folder, "other")
	_, err := LoadOrCreate(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other, []byte("of another"), 0o600))
	for _, name := range []string{".new", ".new.old"} {
		require.NoError(t, os.Symlink(other, path+name))
	}
	require.NoError(t, Rotate(path))
	left, err := os.ReadFile(other) //nolint:gosec // G304: this test's own file
	require.NoError(t, err)
	require.Equal(t, "of another", string(left))
}

// replaced is a server whose file of secrets is replaced while it runs.
type replaced struct {
	*Keys
	t    *testing.T
	path string
	log  strings.Builder
}

func newReplaced(t *testing.T) *replaced {
	t.Helper()
	r := &replaced{t: t, path: filepath.Join(t.TempDir(), "event.key")}
	keys, err := LoadOrCreate(r.path)
	require.NoError(t, err)
	r.Keys = keys
	r.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	return r
}

// with puts another file in the place of that of secrets.
func (r *replaced) with(text []byte) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(r.path+".fresh", text, 0o600)) //nolint:gosec // G703: this test's own file
	require.NoError(r.t, os.Rename(r.path+".fresh", r.path))
}

// good issues and checks keys at a time.
func (r *replaced) good(at time.Time) {
	r.t.Helper()
	for range 3 {
		key, err := r.ForStream(owner, stream, at, time.Hour)
		require.NoError(r.t, err)
		_, err = r.Verify(key, account, stream, at)
		require.NoError(r.t, err)
	}
}

func (r *replaced) lines() int { return strings.Count(r.log.String(), "level=ERROR") }

// A file that is replaced by one that cannot be read, while the server runs, ends
// no key and shuts no subscriber out. The log says what is wrong for as long as it
// is, once a second.
func TestUnreadableReplacement(t *testing.T) {
	server := newReplaced(t)
	secret, err := os.ReadFile(server.path)
	require.NoError(t, err)
	server.good(now)
	require.Zero(t, server.lines())
	server.with([]byte("half"))
	server.good(now)
	require.Equal(t, 1, server.lines(), server.log.String())
	require.Contains(t, server.log.String(), "has 4 bytes, not 32")
	server.good(now.Add(time.Second))
	require.Equal(t, 2, server.lines(), "it is wrong still")
	require.Contains(t, server.log.String(), "usedSince=5")
	server.with(secret)
	server.good(now.Add(2 * time.Second))
	require.Equal(t, 2, server.lines(), "it is whole again")
	require.NoError(t, os.Remove(server.path))
	require.NoError(t, os.Mkdir(server.path, 0o700))
	server.good(now.Add(3 * time.Second))
	require.Equal(t, 3, server.lines(), "a folder")
	require.NoError(t, os.Remove(server.path))
	server.good(now.Add(4 * time.Second))
	require.Equal(t, 3, server.lines(), "a file that is gone is looked for, and the secret stays in use")
	require.NotContains(t, server.log.String(), string(secret))
}

// While its file cannot be read it is read once a second, not for each request.
func TestUnreadableReplacementIsReadSeldom(t *testing.T) {
	server := newReplaced(t)
	server.with([]byte("half"))
	server.good(now)
	before := server.inUse(now).current.id
	server.with([]byte(strings.Repeat("n", secretLength)))
	require.Equal(t, before, server.inUse(now.Add(lookEvery-1)).current.id)
	require.NotEqual(t, before, server.inUse(now.Add(lookEvery)).current.id)
}

// The original, moved back, ends the fault: the next one is found at once.
func TestTheOriginalIsMovedBack(t *testing.T) {
	server := newReplaced(t)
	require.NoError(t, os.Rename(server.path, server.path+".kept"))
	server.with([]byte("half"))
	server.good(now)
	require.Equal(t, 1, server.lines())
	require.NoError(t, os.Rename(server.path+".kept", server.path))
	server.good(now.Add(time.Second))
	server.good(now.Add(2 * time.Second))
	require.Equal(t, 1, server.lines(), "nothing is wrong any more")
	server.with([]byte("a third"))
	server.good(now.Add(3 * time.Second))
	require.Equal(t, 2, server.lines())
	require.Contains(t, server.log.String(), "has 7 bytes, not 32")
}
