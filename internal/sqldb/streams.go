package sqldb

import (
	"context"
	"database/sql"
	"math"
	"reflect"
	"time"

	"github.com/uptrace/bun"

	"github.com/sluicelive/sluice"
)

// CreateStream stores a stream of an account and sets its ID, its playback ID,
// its account, and CreatedAt and UpdatedAt when they are zero.
func (db *DB) CreateStream(ctx context.Context, account sluice.AccountID, s *sluice.Stream) error {
	created := *s
	created.ID, created.AccountID, created.PlaybackID = 0, account, sluice.NewPlaybackID()
	created.CreatedAt = db.orNow(s.CreatedAt)
	if created.UpdatedAt.IsZero() {
		created.UpdatedAt = created.CreatedAt
	}
	row := newStreamRow(&created)
	err := db.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return err
		}
		row.Broadcast.StreamID = row.ID
		_, err := tx.NewInsert().Model(row.Broadcast).Exec(ctx)
		return err
	})
	if err != nil {
		return mapError("create stream", err, nil)
	}
	*s = row.stream()
	return nil
}

// Stream finds one stream of an account; by slug, the newest that has it.
func (db *DB) Stream(ctx context.Context, account sluice.AccountID, ref sluice.StreamRef) (*sluice.Stream, error) {
	return db.stream(ctx, ownedBy(account), ref)
}

// PublicStream finds one stream of whatever account: by slug only where one
// account alone uses that.
func (db *DB) PublicStream(ctx context.Context, ref sluice.StreamRef) (*sluice.Stream, error) {
	of := scope(ofAll)
	if ref.Slug != "" {
		of = db.unambiguous
	}
	return db.stream(ctx, of, ref)
}

// unambiguous are the streams whose slug no other account uses.
func (db *DB) unambiguous(q *bun.SelectQuery) *bun.SelectQuery {
	others := db.read.NewSelect().TableExpr("streams AS other").ColumnExpr("1").
		Where("other.slug = stream.slug").Where("other.account_id <> stream.account_id")
	return q.Where("NOT EXISTS (?)", others)
}

func (db *DB) stream(ctx context.Context, of scope, ref sluice.StreamRef) (*sluice.Stream, error) {
	var row streamRow
	q := selectStreams(db.read, &row).Apply(of).Order("stream.id DESC").Limit(1)
	switch {
	case ref.ID != 0:
		q.Where("stream.id = ?", int64(ref.ID))
	case ref.PlaybackID != "":
		q.Where("stream.playback_id = ?", ref.PlaybackID)
	case ref.Slug != "":
		q.Where("stream.slug = ?", ref.Slug)
	default:
		return nil, sluice.ErrStreamNotFound
	}
	if err := q.Scan(ctx); err != nil {
		return nil, mapError("find stream", err, sluice.ErrStreamNotFound)
	}
	return new(row.stream()), nil
}

// Streams lists one page of the streams of an account, newest first, and the
// number of all that match.
func (db *DB) Streams(ctx context.Context, account sluice.AccountID, f sluice.StreamFilter) ([]sluice.Stream, int, error) {
	var rows []streamRow
	var total int64
	// One transaction: the page and the number are of the same moment.
	err := db.read.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) (err error) {
		q := selectStreams(tx, &rows).Apply(ownedBy(account))
		if f.Live != nil {
			q.Where("(broadcast.started_at IS NOT NULL AND broadcast.ended_at IS NULL) = ?", *f.Live)
		}
		if total, err = q.Count(ctx); err != nil {
			return err
		}
		limit := int64(f.Limit)
		if limit == 0 {
			limit = math.MaxInt64 // SQLite knows no OFFSET without a LIMIT
		}
		return q.Order("stream.id DESC").Offset(int64(f.Offset)).Limit(limit).Scan(ctx)
	})
	if err != nil {
		return nil, 0, mapError("list streams", err, nil)
	}
	return streamsOf(rows), int(total), nil
}

// OpenStreams lists the streams of an account that were prepared and have not
// ended, oldest first.
func (db *DB) OpenStreams(ctx context.Context, account sluice.AccountID) ([]sluice.Stream, error) {
	return db.openStreams(ctx, ownedBy(account))
}

// AllOpenStreams lists those of all accounts, oldest first.
func (db *DB) AllOpenStreams(ctx context.Context) ([]sluice.Stream, error) {
	return db.openStreams(ctx, ofAll)
}

func (db *DB) openStreams(ctx context.Context, of scope) ([]sluice.Stream, error) {
	var rows []streamRow
	err := selectStreams(db.read, &rows).Apply(of).
		Where("broadcast.prepared_at IS NOT NULL").Where("broadcast.ended_at IS NULL").
		Order("stream.id").Scan(ctx)
	if err != nil {
		return nil, mapError("list open streams", err, nil)
	}
	return streamsOf(rows), nil
}

// UpdateStream lets change alter a stream and writes it back, with a new
// UpdatedAt if anything changed, in one transaction.
func (db *DB) UpdateStream(
	ctx context.Context, account sluice.AccountID, id sluice.StreamID, change func(*sluice.Stream) error,
) (*sluice.Stream, error) {
	var updated *sluice.Stream
	var refused error
	err := db.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var before streamRow
		err := selectStreams(tx, &before).
			Where("stream.id = ?", int64(id)).Where("account_id = ?", int64(account)).Scan(ctx)
		if err != nil {
			return err
		}
		s := before.stream()
		if refused = change(&s); refused != nil {
			return refused
		}
		updated, err = db.writeBack(ctx, tx, &before, &s)
		return err
	})
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, mapError("update stream", err, sluice.ErrStreamNotFound)
	}
	return updated, nil
}

// writeBack stores what differs from before. Whose stream it is, its number, its
// playback ID and its birth never change.
func (db *DB) writeBack(ctx context.Context, tx bun.Tx, before *streamRow, s *sluice.Stream) (*sluice.Stream, error) {
	s.ID, s.AccountID, s.PlaybackID = sluice.StreamID(before.ID), sluice.AccountID(before.AccountID), before.PlaybackID
	after := newStreamRow(s)
	after.CreatedAt, after.UpdatedAt = before.CreatedAt, before.UpdatedAt
	if reflect.DeepEqual(before, after) {
		return new(before.stream()), nil
	}
	after.UpdatedAt = db.now().UnixMicro()
	_, err := tx.NewUpdate().Model(after).ExcludeColumn("id", "playback_id", "account_id", "created_at").WherePK().Exec(ctx)
	if err != nil {
		return nil, err
	}
	_, err = tx.NewUpdate().Model(after.Broadcast).ExcludeColumn("stream_id").WherePK().Exec(ctx)
	if err != nil {
		return nil, err
	}
	return new(after.stream()), nil
}

// DeleteStream removes a stream and, by its foreign key, the broadcast.
func (db *DB) DeleteStream(ctx context.Context, account sluice.AccountID, id sluice.StreamID) error {
	result, err := db.write.NewDelete().Model((*streamRow)(nil)).
		Where("id = ?", int64(id)).Where("account_id = ?", int64(account)).
		Exec(ctx)
	return mapError("delete stream", oneRow(result, err), sluice.ErrStreamNotFound)
}

// RecordMedia moves the broadcast's LastMediaAt forward, never back.
func (db *DB) RecordMedia(ctx context.Context, account sluice.AccountID, id sluice.StreamID, at time.Time) error {
	owned := db.write.NewSelect().Model((*streamRow)(nil)).Column("id").
		Where("id = ?", int64(id)).Where("account_id = ?", int64(account))
	result, err := db.write.NewUpdate().Model((*broadcastRow)(nil)).
		// CASE, because the greater of two is MAX in one database and GREATEST in
		// another. With no time before, the comparison is NULL and ELSE holds.
		Set("last_media_at = CASE WHEN last_media_at > ?0 THEN last_media_at ELSE ?0 END", at.UnixMicro()).
		Where("stream_id IN (?)", owned).
		Exec(ctx)
	return mapError("record media", oneRow(result, err), sluice.ErrStreamNotFound)
}

// selectStreams reads streams with their broadcasts into model.
func selectStreams(db bun.IDB, model any) *bun.SelectQuery {
	return db.NewSelect().Model(model).Relation("Broadcast")
}
