package sqldb

import (
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T) sluice.Store {
		t.Helper()
		return openTest(t, filepath.Join(t.TempDir(), "sluice.db"))
	})
}

func openTest(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestReopenKeepsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.db")
	first := openTest(t, path)
	account := sluice.Account{Name: "mine"}
	require.NoError(t, first.CreateAccount(t.Context(), &account))
	s := sluice.Stream{Name: "kept", Slug: "kept", Quality: "360"}
	require.NoError(t, first.CreateStream(t.Context(), account.ID, &s))
	require.NoError(t, first.Close())
	require.NoError(t, first.Close(), "closing again does nothing")

	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "the write-ahead log is folded in at the end")

	second := openTest(t, path)
	got, err := second.Stream(t.Context(), account.ID, sluice.StreamRef{ID: s.ID})
	require.NoError(t, err)
	require.Equal(t, &s, got)
}

func TestOnlyTheOwnerReadsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.db")
	db := openTest(t, path)
	require.NoError(t, db.CreateAccount(t.Context(), &sluice.Account{Name: "mine"}))
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestPathWithMarksOfAnAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c=d&e#f%20g.db")
	openTest(t, path)
	require.FileExists(t, path)
}

// Streams of before there were playback ids have one after an update.
func TestStreamsOfOlderVersionsGetAPlaybackID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.db")
	old := openSQLite(path, 1, url.Values{})
	first, err := fs.ReadFile(migrations, "migrations/0001_state.sql")
	require.NoError(t, err)
	provider, err := goose.NewProvider(migrationDialect, old.DB, fstest.MapFS{"0001_state.sql": {Data: first}})
	require.NoError(t, err)
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
	_, err = old.ExecContext(t.Context(), `INSERT INTO accounts (name, created_at) VALUES ('old', 1)`)
	require.NoError(t, err)
	for range 2 {
		_, err = old.ExecContext(t.Context(), `INSERT INTO streams (account_id, name, slug, description, quality, created_at, updated_at)
			VALUES (1, 'old', 'old', '', '360', 1, 1)`)
		require.NoError(t, err)
		_, err = old.ExecContext(t.Context(), `INSERT INTO broadcasts (stream_id, end_cause, failure, away) VALUES (last_insert_rowid(), '', '', FALSE)`)
		require.NoError(t, err)
	}
	require.NoError(t, old.Close())

	db := openTest(t, path)
	streams, _, err := db.Streams(t.Context(), 1, sluice.StreamFilter{})
	require.NoError(t, err)
	require.Len(t, streams, 2)
	require.NotEqual(t, streams[0].PlaybackID, streams[1].PlaybackID)
	for _, s := range streams {
		require.Equal(t, sluice.StreamRef{PlaybackID: s.PlaybackID}, sluice.ParseStreamRef(s.PlaybackID), "of today's form")
		found, err := db.PublicStream(t.Context(), sluice.StreamRef{PlaybackID: s.PlaybackID})
		require.NoError(t, err)
		require.Equal(t, s.ID, found.ID)
	}
}

func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.db")
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			return db.Close()
		})
	}
	require.NoError(t, group.Wait())
}

func TestSettings(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "sluice.db"))
	for _, setting := range []struct{ pragma, write, read string }{
		{"journal_mode", "wal", "wal"},
		{"synchronous", "2", "2"},
		{"foreign_keys", "1", "1"},
		{"busy_timeout", "5000", "5000"},
		{"query_only", "0", "1"},
	} {
		var write, read string
		require.NoError(t, db.write.QueryRowContext(t.Context(), "PRAGMA "+setting.pragma).Scan(&write))
		require.NoError(t, db.read.QueryRowContext(t.Context(), "PRAGMA "+setting.pragma).Scan(&read))
		require.Equal(t, setting.write, write, setting.pragma)
		require.Equal(t, setting.read, read, setting.pragma)
	}
}

func TestUpdatedAtIsTheStoresClock(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "sluice.db"))
	now := time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)
	db.now = func() time.Time { return now }
	account := sluice.Account{Name: "mine"}
	require.NoError(t, db.CreateAccount(t.Context(), &account))
	s := sluice.Stream{Name: "clocked", Slug: "clocked", Quality: "360"}
	require.NoError(t, db.CreateStream(t.Context(), account.ID, &s))
	require.Equal(t, now, s.CreatedAt)

	now = now.Add(time.Hour)
	updated, err := db.UpdateStream(t.Context(), account.ID, s.ID, func(s *sluice.Stream) error { return s.Prepare(now) })
	require.NoError(t, err)
	require.Equal(t, now, updated.UpdatedAt)
	require.Equal(t, s.CreatedAt, updated.CreatedAt)
}
