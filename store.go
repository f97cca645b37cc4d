package sluice

import (
	"context"
	"time"
)

// Store keeps accounts, keys and streams. Every method takes the account, and
// a row of another account is as absent as one that never was; AnyAccount reads
// all of them and writes none. Times are kept to the microsecond and come back
// in UTC. Implementations pass the contract test in internal/sqldb/sqldbtest.
type Store interface {
	AccountStore
	StreamStore
	Close() error
}

// AccountStore keeps accounts and their application keys.
type AccountStore interface {
	// CreateAccount sets the new account's ID, and CreatedAt when it is zero.
	CreateAccount(ctx context.Context, a *Account) error
	// Accounts lists all accounts, oldest first.
	Accounts(ctx context.Context) ([]Account, error)
	// CreateKey stores a key. A second key of the same ID fails with key_exists.
	CreateKey(ctx context.Context, account AccountID, k Key) error
	// Keys lists the keys of an account, or of AnyAccount, oldest first.
	Keys(ctx context.Context, account AccountID) ([]Key, error)
	// Key finds a key by its public ID, or fails with ErrKeyNotFound.
	Key(ctx context.Context, account AccountID, id string) (Key, error)
	// TouchKey records that a key was used. It fails with ErrKeyNotFound.
	TouchKey(ctx context.Context, account AccountID, id string, at time.Time) error
	// RevokeKey ends a key at once; a repeat keeps the first time. It fails with
	// ErrKeyNotFound.
	RevokeKey(ctx context.Context, account AccountID, id string, at time.Time) error
}

// StreamStore keeps streams and their broadcasts. All methods that name a
// stream fail with ErrStreamNotFound when the account has none such.
type StreamStore interface {
	// CreateStream sets the new stream's ID and account, and CreatedAt and
	// UpdatedAt when they are zero.
	CreateStream(ctx context.Context, account AccountID, s *Stream) error
	// Stream finds one stream; by slug, the newest that has it. With AnyAccount
	// it looks through all accounts.
	Stream(ctx context.Context, account AccountID, ref StreamRef) (*Stream, error)
	// Streams lists one page, newest first, and the number of all that match.
	Streams(ctx context.Context, account AccountID, f StreamFilter) ([]Stream, int, error)
	// UpdateStream reads a stream, lets change alter it, and writes it back, with
	// a new UpdatedAt if anything changed, in one transaction, in which change
	// must not call the store. An error of change leaves the stream as it was and
	// is returned unwrapped.
	UpdateStream(ctx context.Context, account AccountID, id StreamID, change func(*Stream) error) (*Stream, error)
	// DeleteStream removes a stream and its broadcast.
	DeleteStream(ctx context.Context, account AccountID, id StreamID) error
	// RecordMedia moves the broadcast's LastMediaAt forward; it never moves back.
	RecordMedia(ctx context.Context, account AccountID, id StreamID, at time.Time) error
	// OpenStreams lists the streams that were prepared and have not ended, of
	// an account or of AnyAccount: what a restarted server has to close.
	OpenStreams(ctx context.Context, account AccountID) ([]Stream, error)
}
