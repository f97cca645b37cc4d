package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicelive/sluice"
)

// OpenExisting opens the database that a server made, for its tools.
// It makes no file and changes no table: a database that is not there, that holds
// nothing, or that another version wrote is an error which says what to do. Its
// codes are store_missing, store_empty, store_too_old, and those of Open.
func OpenExisting(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqldb: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, folderUnwritable(path, err)
		}
		return nil, sluice.Errorf(sluice.KindInternal, "store_missing",
			"there is no database %s; name the server's data folder with --data, or start the server once: it makes one", path)
	}
	db := &DB{write: openWriter(path), read: openReaders(path), now: time.Now}
	if err := checkVersion(ctx, db.read.DB, path); err != nil {
		return nil, errors.Join(openError(path, err), db.Close())
	}
	return db, nil
}

// checkVersion compares a database with what this program knows, and writes
// nothing.
func checkVersion(ctx context.Context, db *sql.DB, path string) error {
	known, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	want := int64(len(known)) // their numbers count from 1: a test holds that
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&tables); err != nil {
		return err
	}
	if tables == 0 {
		return sluice.Errorf(sluice.KindInternal, "store_empty",
			"the database %s holds nothing; if it is a copy that was made while the server ran, make one with `sluice backup`, which copies everything", path)
	}
	var have int64
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&have); err != nil {
		return err
	}
	switch {
	case have > want:
		return errTooNew(have, want)
	case have < want:
		return sluice.Errorf(sluice.KindInternal, "store_too_old",
			"the database %s is of version %d and this program works with %d; start the server once: it brings the database up to date", path, have, want)
	}
	return nil
}

// Backup writes what the database holds at this moment into a new file, also
// while a server writes to it. The file is whole or not there. It fails with
// backup_exists rather than overwrite one.
func (db *DB) Backup(ctx context.Context, path string) error {
	trial, err := os.CreateTemp(filepath.Dir(path), ".sluice-backup-*") // only its owner reads it: it holds keys' hashes
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { _ = os.Remove(trial.Name()) }()
	if err := trial.Close(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	// VACUUM INTO reads in one transaction, the write-ahead log included, and
	// takes an empty file (https://www.sqlite.org/lang_vacuum.html).
	if _, err := db.write.ExecContext(ctx, "VACUUM INTO ?", trial.Name()); err != nil {
		return mapError("backup", err, nil)
	}
	if err := verify(ctx, trial.Name()); err != nil {
		return err
	}
	switch err := place(trial.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return sluice.Errorf(sluice.KindState, "backup_exists", "there is a file %s already; choose another name, or remove it", path)
	case err != nil:
		return fmt.Errorf("backup: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// place gives a file its name, unless that is taken. A link fails then, where a
// rename overwrites; file systems without links get the rename.
func place(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// verify reads a backup as its restore would, and has it on the disk.
func verify(ctx context.Context, path string) error {
	db := openReaders(path)
	var verdict string
	err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict)
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("the copy is damaged: %s", verdict)
	}
	if err == nil {
		err = checkVersion(ctx, db.DB, path)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return mapError("check backup", err, nil)
	}
	return syncFile(path)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: the operator's own choice
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes a new name in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: as above
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
