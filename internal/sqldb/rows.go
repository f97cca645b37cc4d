package sqldb

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/sluicelive/sluice"
)

// The rows of the tables and, below, what they mean. Times are microseconds
// since 1970, nil where the domain has nil.
type (
	accountRow struct {
		bun.BaseModel `bun:"table:accounts"`

		ID        int64 `bun:"id,pk,autoincrement"`
		Name      string
		CreatedAt int64
	}

	keyRow struct {
		bun.BaseModel `bun:"table:keys"`

		ID         string `bun:"id,pk"`
		AccountID  int64
		Name       string
		Hint       string
		Hash       []byte
		CreatedAt  int64
		LastUsedAt *int64
		RevokedAt  *int64
	}

	streamRow struct {
		bun.BaseModel `bun:"table:streams,alias:stream"`

		ID          int64 `bun:"id,pk,autoincrement"`
		PlaybackID  string
		AccountID   int64
		Name        string
		Slug        string
		Description string
		Quality     string
		CreatedAt   int64
		UpdatedAt   int64
		Broadcast   *broadcastRow `bun:"rel:has-one,join:id=stream_id"`
	}

	broadcastRow struct {
		bun.BaseModel `bun:"table:broadcasts"`

		StreamID    int64 `bun:"stream_id,pk"`
		PreparedAt  *int64
		Anchor      *int64
		StartedAt   *int64
		LastMediaAt *int64
		EndedAt     *int64
		EndCause    string
		Failure     string
		Away        bool
	}
)

func (r *accountRow) account() sluice.Account {
	return sluice.Account{ID: sluice.AccountID(r.ID), Name: r.Name, CreatedAt: fromMicros(r.CreatedAt)}
}

func newKeyRow(account sluice.AccountID, k *sluice.Key) *keyRow {
	return &keyRow{
		ID:         k.ID,
		AccountID:  int64(account),
		Name:       k.Name,
		Hint:       k.Hint,
		Hash:       k.Hash[:],
		CreatedAt:  k.CreatedAt.UnixMicro(),
		LastUsedAt: toMicros(k.LastUsedAt),
		RevokedAt:  toMicros(k.RevokedAt),
	}
}

func (r *keyRow) key() sluice.Key {
	k := sluice.Key{
		ID:         r.ID,
		AccountID:  sluice.AccountID(r.AccountID),
		Name:       r.Name,
		Hint:       r.Hint,
		CreatedAt:  fromMicros(r.CreatedAt),
		LastUsedAt: fromMicrosOrNil(r.LastUsedAt),
		RevokedAt:  fromMicrosOrNil(r.RevokedAt),
	}
	copy(k.Hash[:], r.Hash)
	return k
}

func newStreamRow(s *sluice.Stream) *streamRow {
	b := &s.Broadcast
	return &streamRow{
		ID:          int64(s.ID),
		PlaybackID:  s.PlaybackID,
		AccountID:   int64(s.AccountID),
		Name:        s.Name,
		Slug:        s.Slug,
		Description: s.Description,
		Quality:     string(s.Quality),
		CreatedAt:   s.CreatedAt.UnixMicro(),
		UpdatedAt:   s.UpdatedAt.UnixMicro(),
		Broadcast: &broadcastRow{
			StreamID:    int64(s.ID),
			PreparedAt:  toMicros(b.PreparedAt),
			Anchor:      toMicros(b.Anchor),
			StartedAt:   toMicros(b.StartedAt),
			LastMediaAt: toMicros(b.LastMediaAt),
			EndedAt:     toMicros(b.EndedAt),
			EndCause:    string(b.EndCause),
			Failure:     b.Failure,
			Away:        b.Away,
		},
	}
}

func (r *streamRow) stream() sluice.Stream {
	b := r.Broadcast
	return sluice.Stream{
		ID:          sluice.StreamID(r.ID),
		PlaybackID:  r.PlaybackID,
		AccountID:   sluice.AccountID(r.AccountID),
		Name:        r.Name,
		Slug:        r.Slug,
		Description: r.Description,
		Quality:     sluice.Quality(r.Quality),
		CreatedAt:   fromMicros(r.CreatedAt),
		UpdatedAt:   fromMicros(r.UpdatedAt),
		Broadcast: sluice.Broadcast{
			PreparedAt:  fromMicrosOrNil(b.PreparedAt),
			Anchor:      fromMicrosOrNil(b.Anchor),
			StartedAt:   fromMicrosOrNil(b.StartedAt),
			LastMediaAt: fromMicrosOrNil(b.LastMediaAt),
			EndedAt:     fromMicrosOrNil(b.EndedAt),
			EndCause:    sluice.EndCause(b.EndCause),
			Failure:     b.Failure,
			Away:        b.Away,
		},
	}
}

func streamsOf(rows []streamRow) []sluice.Stream {
	streams := make([]sluice.Stream, len(rows))
	for i := range rows {
		streams[i] = rows[i].stream()
	}
	return streams
}

func toMicros(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	return new(t.UnixMicro())
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func fromMicrosOrNil(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	return new(fromMicros(*us))
}
