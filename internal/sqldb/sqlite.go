package sqldb

import (
	"database/sql"
	"errors"
	"net/url"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxReaders is how many queries read at once. Reads are short; more
// connections would only hold more page caches.
const maxReaders = 4

// migrationDialect is the database's name in the migrations' runner.
const migrationDialect = goose.DialectSQLite3

// openWriter opens the one connection that writes. Nothing is touched before
// its first query.
func openWriter(path string) *bun.DB {
	return openSQLite(path, 1, url.Values{
		// A transaction takes the write lock before it reads, so that what it read
		// still holds when it writes (https://www.sqlite.org/lang_transaction.html).
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		// FULL: what was answered survives a power cut. NORMAL would lose the last
		// commits: a revoked key would open again, and a stream's number, by which
		// caches know its segments, be given twice. Writes are a few a second, and
		// FULL costs one fsync each: 1.6 ms against 0.1 ms on a virtual disk.
		"_synchronous": {"FULL"},
	})
}

// openReaders opens the connections that read.
func openReaders(path string) *bun.DB {
	return openSQLite(path, maxReaders, url.Values{"_query_only": {"true"}})
}

func openSQLite(path string, connections int, settings url.Values) *bun.DB {
	settings.Set("_foreign_keys", "true")
	settings.Set("_busy_timeout", "5000") // milliseconds: another process, such as `sluice key create`, is soon done
	settings.Set("_dqs", "false")         // "a mistyped column" is an error, not a string
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: settings.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		panic("sqldb: a query string made by url.Values does not parse: " + err.Error())
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections) // opening one reads the schema again
	return bun.NewDB(pool, sqlitedialect.New())
}

// fault is what an error of the database means to this package.
type fault int

const (
	faultOther   fault = iota
	faultExists        // a row with this key is there already
	faultBusy          // another process holds the lock
	faultFull          // the disk is full
	faultForeign       // the file is not a database, or a damaged one
	faultAccess        // the file cannot be opened or written
)

// classify tells the faults of SQLite apart by its result codes
// (https://www.sqlite.org/rescode.html).
func classify(err error) fault {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return faultOther
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return faultExists
	}
	switch e.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return faultBusy
	case sqlite3.SQLITE_FULL:
		return faultFull
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return faultForeign
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return faultAccess
	}
	return faultOther
}
