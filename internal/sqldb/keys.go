package sqldb

import (
	"context"
	"database/sql"
	"time"

	"github.com/sluicelive/sluice"
)

// CreateKey stores a key of an account, or fails with key_exists.
func (db *DB) CreateKey(ctx context.Context, account sluice.AccountID, k sluice.Key) error {
	_, err := db.write.NewInsert().Model(newKeyRow(account, &k)).Exec(ctx)
	return mapError("create key", err, nil)
}

// Keys lists the keys of an account, oldest first.
func (db *DB) Keys(ctx context.Context, account sluice.AccountID) ([]sluice.Key, error) {
	return db.keys(ctx, ownedBy(account))
}

// AllKeys lists the keys of all accounts, oldest first.
func (db *DB) AllKeys(ctx context.Context) ([]sluice.Key, error) { return db.keys(ctx, ofAll) }

func (db *DB) keys(ctx context.Context, of scope) ([]sluice.Key, error) {
	var rows []keyRow
	err := db.read.NewSelect().Model(&rows).Apply(of).Order("created_at", "id").Scan(ctx)
	if err != nil {
		return nil, mapError("list keys", err, nil)
	}
	keys := make([]sluice.Key, len(rows))
	for i := range rows {
		keys[i] = rows[i].key()
	}
	return keys, nil
}

// Key finds a key of an account by its public ID, or fails with ErrKeyNotFound.
func (db *DB) Key(ctx context.Context, account sluice.AccountID, id string) (sluice.Key, error) {
	return db.key(ctx, ownedBy(account), id)
}

// AnyKey finds a key of whatever account by its public ID, or fails with
// ErrKeyNotFound.
func (db *DB) AnyKey(ctx context.Context, id string) (sluice.Key, error) {
	return db.key(ctx, ofAll, id)
}

func (db *DB) key(ctx context.Context, of scope, id string) (sluice.Key, error) {
	var row keyRow
	err := db.read.NewSelect().Model(&row).Where("id = ?", id).Apply(of).Scan(ctx)
	if err != nil {
		return sluice.Key{}, mapError("find key", err, sluice.ErrKeyNotFound)
	}
	return row.key(), nil
}

// TouchKey records that a key was used, or fails with ErrKeyNotFound.
func (db *DB) TouchKey(ctx context.Context, account sluice.AccountID, id string, at time.Time) error {
	result, err := db.write.NewUpdate().Model((*keyRow)(nil)).
		Set("last_used_at = ?", at.UnixMicro()).
		Where("id = ?", id).Where("account_id = ?", int64(account)).
		Exec(ctx)
	return mapError("touch key", oneRow(result, err), sluice.ErrKeyNotFound)
}

// RevokeKey ends a key, or fails with ErrKeyNotFound. A repeat keeps the first
// time.
func (db *DB) RevokeKey(ctx context.Context, account sluice.AccountID, id string, at time.Time) error {
	result, err := db.write.NewUpdate().Model((*keyRow)(nil)).
		Set("revoked_at = COALESCE(revoked_at, ?)", at.UnixMicro()).
		Where("id = ?", id).Where("account_id = ?", int64(account)).
		Exec(ctx)
	return mapError("revoke key", oneRow(result, err), sluice.ErrKeyNotFound)
}

// oneRow makes a statement that changed nothing fail like a query that found
// nothing.
func oneRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return err
	case n == 0:
		return sql.ErrNoRows
	}
	return nil
}
