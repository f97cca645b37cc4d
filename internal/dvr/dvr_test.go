package dvr_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/dvr"
)

// segments are complete ones of a real run.
func segments(t *testing.T) []*cmaf.Segment {
	t.Helper()
	p := cmaftest.NewPresentation(t)
	cmaftest.Feed(t, p)
	return p.Track("360").Snapshot().Complete()
}

func open(t *testing.T, folder string) *dvr.Store {
	t.Helper()
	store, err := dvr.Open(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func read(t *testing.T, shelf cmaf.Shelf, track string, number uint64) []byte {
	t.Helper()
	f, err := shelf.Open(track, number)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return b
}

func TestShelf(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dvr")
	store := open(t, folder)
	one, two := store.Shelf(1), store.Shelf(2)
	all := segments(t)
	for _, s := range all {
		require.NoError(t, one.Put("360", s))
	}
	require.NoError(t, two.Put("360", all[0]))
	for _, s := range all {
		require.True(t, bytes.Equal(s.Bytes, read(t, one, "360", s.Number)))
	}

	require.NoError(t, one.Drop("360", all[0].Number))
	_, err := one.Open("360", all[0].Number)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, one.Drop("360", all[0].Number), "a repeat changes nothing")
	_, err = one.Open("480", all[1].Number)
	require.ErrorIs(t, err, fs.ErrNotExist, "another track's")

	require.NoError(t, one.Clear())
	_, err = one.Open("360", all[1].Number)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, all[0].Bytes, read(t, two, "360", all[0].Number), "another stream's stay")
	require.NoError(t, one.Clear())

	t.Run("starts empty", func(t *testing.T) {
		again := open(t, folder)
		_, err := again.Shelf(2).Open("360", all[0].Number)
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
}

// A server that is stopped leaves no media behind.
func TestClose(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dvr")
	store, err := dvr.Open(folder)
	require.NoError(t, err)
	s := segments(t)[0]
	for id := range sluice.StreamID(3) {
		require.NoError(t, store.Shelf(id).Put("360", s))
	}
	require.NoError(t, store.Close())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A disk that takes no more leaves no half of a segment behind.
func TestPutFails(t *testing.T) {
	folder := t.TempDir()
	shelf := open(t, folder).Shelf(1)
	s := segments(t)[0]
	require.NoError(t, shelf.Put("360", s))
	require.NoError(t, shelf.Clear())
	require.NoError(t, os.WriteFile(filepath.Join(folder, "1"), nil, 0o600), "a file where the folder belongs")
	require.Error(t, shelf.Put("360", s))
	_, err := shelf.Open("360", s.Number)
	require.Error(t, err)
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := dvr.Open(filepath.Join(file, "dvr"))
	require.ErrorContains(t, err, "DVR folder")
}
