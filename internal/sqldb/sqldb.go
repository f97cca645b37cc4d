// Package sqldb keeps accounts, keys and streams in an SQL database: SQLite in
// the data folder. What is particular to SQLite stands in sqlite.go and in
// migrations/; all other queries are portable.
package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"

	"github.com/sluicelive/sluice"
)

// DB is a store in a database. It is safe for concurrent use.
type DB struct {
	write *bun.DB // one connection: writers queue here and not in the database
	read  *bun.DB // sees what is committed, and never waits for the writer
	now   func() time.Time
}

var _ sluice.Store = (*DB)(nil)

// Open opens the database in the file at path, makes it when there is none, and
// brings its tables up to date. Its errors are *sluice.Error with a message for
// the person at the terminal when that person can do something about them:
// data_folder_missing, data_folder_unwritable, store_not_a_database,
// store_too_new, store_busy.
func Open(ctx context.Context, path string, log *slog.Logger) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqldb: %w", err)
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	db := &DB{write: openWriter(path), read: openReaders(path), now: time.Now}
	if err := migrate(ctx, db.write.DB, log); err != nil {
		return nil, errors.Join(openError(path, err), db.Close())
	}
	return db, nil
}

// Close closes the database after the queries under way. Further calls do
// nothing.
func (db *DB) Close() error {
	// The writer goes last: the last connection to leave folds the write-ahead
	// log into the database, and a reader may not.
	return errors.Join(db.read.Close(), db.write.Close())
}

// makeFile makes the database file when there is none, so that only its owner
// can read it and a bad folder is found out with a clear error. It leaves a file
// that exists to the database: closing it here would release its locks.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the operator's own setting
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err == nil:
		return f.Close()
	}
	folder := filepath.Dir(path)
	if info, statErr := os.Stat(folder); statErr != nil || !info.IsDir() {
		return sluice.Errorf(sluice.KindInternal, "data_folder_missing",
			"there is no data folder %s; make it, or name another with SLUICE_DATA", folder).Wrap(err)
	}
	return folderUnwritable(path, err)
}
