package sqldb

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestOpenErrors(t *testing.T) {
	const long = "this is a letter and no database, and longer than the header of one, which has 100 bytes in all; so it has to be"
	for _, test := range []struct {
		name, code, says string
		path             func(t *testing.T) string
	}{
		{"folder missing", "data_folder_missing", "nowhere", func(t *testing.T) string {
			t.Helper()
			return filepath.Join(t.TempDir(), "nowhere", "sluice.db")
		}},
		{"folder is a file", "data_folder_missing", "file", func(t *testing.T) string {
			t.Helper()
			return filepath.Join(writeFile(t, "file", ""), "sluice.db")
		}},
		{"folder unwritable", "data_folder_unwritable", "/proc", func(*testing.T) string {
			return "/proc/sluice.db" // where not even root can make a file
		}},
		{"file is a folder", "data_folder_unwritable", "cannot be written", func(t *testing.T) string {
			t.Helper()
			return t.TempDir()
		}},
		{"file is not a database", "store_not_a_database", "letter.txt", func(t *testing.T) string {
			t.Helper()
			return writeFile(t, "letter.txt", long)
		}},
		{"database is cut short", "store_not_a_database", "sluice.db", func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "sluice.db")
			require.NoError(t, openTest(t, path).Close())
			require.NoError(t, os.Truncate(path, 5000))
			return path
		}},
		{"database of a newer program", "store_too_new", "version 9999", func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "sluice.db")
			db := openTest(t, path)
			_, err := db.write.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)")
			require.NoError(t, err)
			require.NoError(t, db.Close())
			return path
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := test.path(t)
			db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
			require.Nil(t, db)
			require.Error(t, err)
			fault := sluice.AsError(err)
			require.Equal(t, test.code, fault.Code, err.Error())
			require.Contains(t, fault.Message, test.says)
		})
	}
}

func TestOpenLeavesAForeignFileAlone(t *testing.T) {
	text := strings.Repeat("not a database\n", 100)
	path := writeFile(t, "letter.txt", text)
	_, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	require.Error(t, err)
	after, err := os.ReadFile(path) //nolint:gosec // G304: the test's own file
	require.NoError(t, err)
	require.Equal(t, text, string(after))
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, filepath.Join(t.TempDir(), "sluice.db"), slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, context.Canceled)
}

func TestLockedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.db")
	db, other := openTest(t, path), openTest(t, path)
	_, err := db.write.ExecContext(t.Context(), "PRAGMA busy_timeout = 10")
	require.NoError(t, err)
	account := sluice.Account{Name: "mine"}
	require.NoError(t, other.CreateAccount(t.Context(), &account))
	lock, err := other.write.BeginTx(t.Context(), nil)
	require.NoError(t, err)

	err = db.CreateAccount(t.Context(), &sluice.Account{Name: "second"})
	require.ErrorIs(t, err, errBusy)
	require.Equal(t, sluice.KindUnavailable, sluice.AsError(err).Kind)
	accounts, err := db.Accounts(t.Context())
	require.NoError(t, err, "reading does not wait for a writer")
	require.Equal(t, []sluice.Account{account}, accounts)

	require.NoError(t, lock.Rollback())
	require.NoError(t, db.CreateAccount(t.Context(), &sluice.Account{Name: "second"}))
}

func TestWaitForTheWriterEndsWithTheCaller(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "sluice.db"))
	tx, err := db.write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	require.ErrorIs(t, db.CreateAccount(ctx, &sluice.Account{Name: "mine"}), context.DeadlineExceeded)
}

func TestDiskFull(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "sluice.db"))
	_, err := db.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1") // raised to what it has now
	require.NoError(t, err)
	err = db.CreateAccount(t.Context(), &sluice.Account{Name: strings.Repeat("x", 1<<20)})
	require.ErrorIs(t, err, errFull)
	require.Equal(t, sluice.KindUnavailable, sluice.AsError(err).Kind)
	require.NoError(t, db.CreateAccount(t.Context(), &sluice.Account{Name: "short"}), "what fits goes on")
}

func TestUnknownErrorsAreInternal(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "sluice.db"))
	require.NoError(t, db.Close())
	_, err := db.Accounts(t.Context())
	require.ErrorContains(t, err, "sqldb: list accounts: ", "the log says where")
	require.Equal(t, sluice.KindInternal, sluice.AsError(err).Kind)
	require.NotErrorIs(t, mapError("x", sql.ErrNoRows, nil), sluice.ErrStreamNotFound)
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
