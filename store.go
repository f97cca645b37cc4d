package sluice

import (
	"context"
	"time"
)

// Store keeps accounts, keys and streams. Methods take the account, and a row
// of another account is as absent as one that never was. The zero account has no
// rows. The few methods that read whatever the account have names that say so.
// Times are kept to the microsecond and come back in UTC. Implementations pass
// the contract test in internal/sqldb/sqldbtest.
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
	// Keys lists the keys of an account, oldest first.
	Keys(ctx context.Context, account AccountID) ([]Key, error)
	// AllKeys lists the keys of all accounts, oldest first: for the operator.
	AllKeys(ctx context.Context) ([]Key, error)
	// Key finds a key of an account by its public ID, or fails with
	// ErrKeyNotFound.
	Key(ctx context.Context, account AccountID, id string) (Key, error)
	// AnyKey finds a key of whatever account by its public ID, or fails with
	// ErrKeyNotFound. It is how a request becomes that of an account.
	AnyKey(ctx context.Context, id string) (Key, error)
	// TouchKey records that a key was used. It fails with ErrKeyNotFound.
	TouchKey(ctx context.Context, account AccountID, id string, at time.Time) error
	// RevokeKey ends a key at once; a repeat keeps the first time. It fails with
	// ErrKeyNotFound.
	RevokeKey(ctx context.Context, account AccountID, id string, at time.Time) error
}

// StreamStore keeps streams and their broadcasts. All methods that name a
// stream fail with ErrStreamNotFound when the account has none such.
type StreamStore interface {
	// CreateStream sets the new stream's ID and account, its playback ID, and
	// CreatedAt and UpdatedAt when they are zero.
	CreateStream(ctx context.Context, account AccountID, s *Stream) error
	// Stream finds one stream of an account; by slug, the newest that has it.
	Stream(ctx context.Context, account AccountID, ref StreamRef) (*Stream, error)
	// PublicStream finds a stream for anybody, whatever its account: by ID, by
	// playback ID, or by a slug that streams of one account alone have. A slug of
	// several accounts names none of their streams: the account that used it last
	// would have the others' links.
	PublicStream(ctx context.Context, ref StreamRef) (*Stream, error)
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
	// OpenStreams lists the streams of an account that were prepared and have
	// not ended.
	OpenStreams(ctx context.Context, account AccountID) ([]Stream, error)
	// AllOpenStreams lists those of all accounts: what a restarted server has to
	// close.
	AllOpenStreams(ctx context.Context) ([]Stream, error)
}
