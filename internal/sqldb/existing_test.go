package sqldb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
)

func openExisting(t *testing.T, path string) *DB {
	t.Helper()
	db, err := OpenExisting(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// filled is a database with an account, a key and a stream, that is open.
func filled(t *testing.T) (path string, db *DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sluice.db")
	db = openTest(t, path)
	account := sluice.Account{Name: "mine"}
	require.NoError(t, db.CreateAccount(t.Context(), &account))
	key, _ := sluice.NewKey(account.ID, "laptop", time.Now())
	require.NoError(t, db.CreateKey(t.Context(), account.ID, key))
	s := sluice.Stream{Name: "kept", Slug: "kept", Quality: "360"}
	require.NoError(t, db.CreateStream(t.Context(), account.ID, &s))
	return path, db
}

// B8: a tool neither makes nor changes a database.
func TestOpenExistingChangesNothing(t *testing.T) {
	older := func(t *testing.T) string {
		t.Helper()
		path, db := filled(t)
		_, err := db.write.ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id > 1")
		require.NoError(t, err)
		require.NoError(t, db.Close())
		return path
	}
	for name, test := range map[string]struct {
		path func(t *testing.T) string
		code string
	}{
		"no folder": {func(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "none", "sluice.db") }, "store_missing"},
		"no file":   {func(t *testing.T) string { t.Helper(); return filepath.Join(t.TempDir(), "sluice.db") }, "store_missing"},
		"an empty file": {func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "sluice.db")
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			return path
		}, "store_empty"},
		"a copy of the file alone while the server runs": {func(t *testing.T) string {
			t.Helper()
			path, _ := filled(t)
			content, err := os.ReadFile(path) //nolint:gosec // G304: this test's own file
			require.NoError(t, err)
			half := filepath.Join(t.TempDir(), "sluice.db")
			require.NoError(t, os.WriteFile(half, content, 0o600)) //nolint:gosec // G703: this test's own file
			return half
		}, "store_empty"},
		"an older version": {older, "store_too_old"},
		"a newer version": {func(t *testing.T) string {
			t.Helper()
			path, db := filled(t)
			_, err := db.write.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
			require.NoError(t, err)
			require.NoError(t, db.Close())
			return path
		}, "store_too_new"},
		"no database": {func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "sluice.db")
			require.NoError(t, os.WriteFile(path, []byte("a letter to my grandmother, which is no database at all"), 0o600))
			return path
		}, "store_not_a_database"},
	} {
		t.Run(name, func(t *testing.T) {
			path := test.path(t)
			before := snapshot(t, path)
			_, err := OpenExisting(t.Context(), path)
			require.Equal(t, test.code, sluice.AsError(err).Code, "%v", err)
			require.Equal(t, before, snapshot(t, path))
		})
	}
}

// snapshot is what is in a database's folder, and what the file holds.
func snapshot(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		return nil
	}
	found := make([]string, 0, len(entries))
	for _, e := range entries {
		found = append(found, e.Name())
	}
	content, _ := os.ReadFile(path) //nolint:gosec // G304: this test's own file
	return append(found, fmt.Sprintf("%x", sha256.Sum256(content)))
}

func TestMigrationsCountFromOne(t *testing.T) {
	known, err := fs.Glob(migrations, "migrations/*.sql")
	require.NoError(t, err)
	for i, name := range known {
		require.Contains(t, name, fmt.Sprintf("/%04d_", i+1))
	}
}

// B8: a backup that is made while the server writes is whole, and opens as it is.
func TestBackupWhileWriting(t *testing.T) {
	path, server := filled(t)
	ctx, stop := context.WithCancel(t.Context())
	var writing errgroup.Group
	for range 2 {
		writing.Go(func() error {
			for ctx.Err() == nil {
				_, err := server.UpdateStream(context.WithoutCancel(ctx), 1, 1, func(s *sluice.Stream) error {
					s.Description += "."
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	tool := openExisting(t, path)
	folder := t.TempDir()
	for i := range 5 {
		before, err := server.Stream(t.Context(), 1, sluice.StreamRef{ID: 1})
		require.NoError(t, err)
		file := filepath.Join(folder, fmt.Sprintf("backup-%d.db", i))
		require.NoError(t, tool.Backup(t.Context(), file))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

		restored := filepath.Join(t.TempDir(), "sluice.db")
		require.NoError(t, os.Rename(file, restored))
		copied := openTest(t, restored)
		s, err := copied.Stream(t.Context(), 1, sluice.StreamRef{ID: 1})
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(s.Description), len(before.Description), "as of now")
		keys, err := copied.AllKeys(t.Context())
		require.NoError(t, err)
		require.Len(t, keys, 1)
	}
	stop()
	require.NoError(t, writing.Wait())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left, "nothing but the backups was made")
}

func TestBackupFails(t *testing.T) {
	_, db := filled(t)
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken.db")
	require.NoError(t, os.WriteFile(taken, []byte("dear to somebody"), 0o600))
	require.Equal(t, "backup_exists", sluice.AsError(db.Backup(t.Context(), taken)).Code)
	content, err := os.ReadFile(taken) //nolint:gosec // G304: this test's own file
	require.NoError(t, err)
	require.Equal(t, "dear to somebody", string(content))
	require.Error(t, db.Backup(t.Context(), filepath.Join(folder, "none", "backup.db")))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1, "a backup that failed leaves nothing behind")
}
