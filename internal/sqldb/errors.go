package sqldb

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sluicelive/sluice"
)

var (
	errKeyExists = sluice.Errorf(sluice.KindState, "key_exists",
		"there is an application key of this id already; choose another text, or revoke that key")
	errBusy = sluice.Errorf(sluice.KindUnavailable, "store_busy",
		"the server's database is busy; try again in a few seconds")
	errFull = sluice.Errorf(sluice.KindUnavailable, "store_full",
		"the server's disk is full; its operator has to make room")
)

// mapError turns an error of the database into the one that callers know. No
// rows mean absent, which is nil where a query cannot come back without any. An
// *sluice.Error passes as it is.
func mapError(op string, err error, absent *sluice.Error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*sluice.Error](err); ok {
		return err
	}
	if absent != nil && errors.Is(err, sql.ErrNoRows) {
		return absent
	}
	switch classify(err) {
	case faultExists:
		return errKeyExists.Wrap(err)
	case faultBusy:
		return errBusy.Wrap(err)
	case faultFull:
		return errFull.Wrap(err)
	default:
		return fmt.Errorf("sqldb: %s: %w", op, err)
	}
}

// openError is mapError for a database that does not open.
func openError(path string, err error) error {
	switch classify(err) {
	case faultForeign:
		return sluice.Errorf(sluice.KindInternal, "store_not_a_database",
			"%s is not a database, or a damaged one; put back a copy, or move it away to start anew", path).Wrap(err)
	case faultAccess:
		return folderUnwritable(path, err)
	default:
		return mapError("open", err, nil)
	}
}

func folderUnwritable(path string, cause error) error {
	return sluice.Errorf(sluice.KindInternal, "data_folder_unwritable",
		"the database %s cannot be written; give this user the right to write in %s and to what is in it",
		path, filepath.Dir(path)).Wrap(cause)
}

func errTooNew(have, want int64) *sluice.Error {
	return sluice.Errorf(sluice.KindInternal, "store_too_new",
		"the database is of version %d and this program knows %d; run the newer program that wrote it", have, want)
}
