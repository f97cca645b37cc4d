package sqldb

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sluicelive/sluice"
)

// CreateAccount stores an account and sets its ID, and CreatedAt when that is
// zero.
func (db *DB) CreateAccount(ctx context.Context, a *sluice.Account) error {
	row := &accountRow{Name: a.Name, CreatedAt: db.orNow(a.CreatedAt).UnixMicro()}
	if _, err := db.write.NewInsert().Model(row).Exec(ctx); err != nil {
		return mapError("create account", err, nil)
	}
	*a = row.account()
	return nil
}

// Accounts lists all accounts, oldest first.
func (db *DB) Accounts(ctx context.Context) ([]sluice.Account, error) {
	var rows []accountRow
	if err := db.read.NewSelect().Model(&rows).Order("id").Scan(ctx); err != nil {
		return nil, mapError("list accounts", err, nil)
	}
	accounts := make([]sluice.Account, len(rows))
	for i := range rows {
		accounts[i] = rows[i].account()
	}
	return accounts, nil
}

// Ping reads from the database as little as shows that it can be read.
func (db *DB) Ping(ctx context.Context) error {
	if _, err := db.read.NewSelect().Model((*accountRow)(nil)).ColumnExpr("1").Limit(1).Exists(ctx); err != nil {
		return mapError("read the database", err, nil)
	}
	return nil
}

func (db *DB) orNow(t time.Time) time.Time {
	if t.IsZero() {
		return db.now()
	}
	return t
}

// scope narrows a query to the rows that its asker may read.
type scope func(*bun.SelectQuery) *bun.SelectQuery

// ownedBy are the rows of an account. No row is the zero account's.
func ownedBy(account sluice.AccountID) scope {
	return func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("account_id = ?", int64(account)) }
}

// ofAll are the rows of all accounts. Only methods that take no account use it.
func ofAll(q *bun.SelectQuery) *bun.SelectQuery { return q }
