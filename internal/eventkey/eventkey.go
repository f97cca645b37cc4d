// Package eventkey issues and checks the keys that stand in the address of an
// event stream, where no Authorization header can.
package eventkey

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/budget"
)

// Bounds of a key's life.
const (
	DefaultExpiry = time.Hour
	MinExpiry     = time.Second
	MaxExpiry     = 24 * time.Hour
)

const (
	issuer = "sluice"
	// tokenType is the typ header of an event key. A type of its own keeps a
	// token made for another purpose from passing as one (RFC 8725, 3.11).
	tokenType = "sluice-events+jwt" //nolint:gosec // G101: a name, no secret
	// leeway forgives clocks that disagree about iat and nbf. exp has none.
	leeway = 60 * time.Second
	// maxLength bounds what is parsed at all; a key has about 400 bytes.
	maxLength = 2048
	// lookEvery spares the disk while the file cannot be read: requests are many.
	lookEvery = time.Second
)

// ErrInvalid is the answer to every key that is not good, whatever is wrong
// with it: the cause is for the log.
var ErrInvalid = sluice.Errorf(sluice.KindForbidden, "event_key_invalid",
	"a valid event key for this stream is needed: make one with POST /v1/streams/{id}/eventkey; "+
		"an application key never belongs in an address")

// subjectPrefix stands before an account's number.
const subjectPrefix = "account:"

// Owner is who an event key was issued to: an account, by one of its
// application keys. The event key is good no longer than that one.
type Owner struct {
	Account sluice.AccountID
	Key     string // public id of the application key
}

// claims are what an event key says. azp is the party it was issued to (OpenID
// Connect Core 1.0, section 2).
type claims struct {
	jwt.RegisteredClaims

	AuthorizedParty string `json:"azp"`
}

// Keys issues and checks event keys: JWTs (RFC 7519) signed with HMAC-SHA-256.
type Keys struct {
	// Longest is the longest life that a key may be asked to have. MaxExpiry when
	// zero.
	Longest time.Duration
	// Log gets what is wrong with a file of secrets that was replaced. Optional.
	Log *slog.Logger

	file string // where the secrets are; empty when they are in memory only

	mu      sync.Mutex
	secrets secrets
	fault   error     // why the file that replaced that of secrets cannot be read
	looked  time.Time // when the file was looked at
	said    budget.Pace
}

// New makes Keys that sign with secret.
func New(secret []byte) *Keys { return &Keys{secrets: secrets{current: newSecret(secret)}} }

// ForStream issues a key for one stream of an account.
func (k *Keys) ForStream(owner Owner, stream sluice.StreamID, now time.Time, expiry time.Duration) (string, error) {
	return k.issue(owner, streamAudience(stream), now, expiry)
}

// ForAccount issues a key for every stream of an account.
func (k *Keys) ForAccount(owner Owner, now time.Time, expiry time.Duration) (string, error) {
	return k.issue(owner, accountAudience(owner.Account), now, expiry)
}

// Default is how long a key lives when its asker does not say.
func (k *Keys) Default() time.Duration { return min(DefaultExpiry, k.longest()) }

func (k *Keys) longest() time.Duration {
	if k.Longest == 0 {
		return MaxExpiry
	}
	return k.Longest
}

// Verify checks that a key opens the events of a stream of an account, and
// returns the time from which on it does not. It fails with ErrInvalid. Whether
// the application key of its Owner is still good, the caller has to look up.
func (k *Keys) Verify(key string, account sluice.AccountID, stream sluice.StreamID, now time.Time) (time.Time, error) {
	claims, err := k.open(key, now)
	if err != nil {
		return time.Time{}, err
	}
	if account == 0 || claims.Subject != subject(account) {
		return time.Time{}, ErrInvalid.Wrap(jwt.ErrTokenInvalidSubject)
	}
	if !covers(claims.Audience, account, stream) {
		return time.Time{}, ErrInvalid.Wrap(jwt.ErrTokenInvalidAudience)
	}
	return claims.ExpiresAt.Time, nil
}

// Owner is who a key was issued to. It fails with ErrInvalid.
func (k *Keys) Owner(key string, now time.Time) (Owner, error) {
	claims, err := k.open(key, now)
	if err != nil {
		return Owner{}, err
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(claims.Subject, subjectPrefix), 10, 64)
	if err != nil || id <= 0 {
		return Owner{}, ErrInvalid.Wrap(jwt.ErrTokenInvalidSubject)
	}
	return Owner{Account: sluice.AccountID(id), Key: claims.AuthorizedParty}, nil
}

// open checks everything about a key but whom and what it is for.
func (k *Keys) open(key string, now time.Time) (*claims, error) {
	if len(key) > maxLength {
		return nil, ErrInvalid.Wrap(fmt.Errorf("%d bytes", len(key)))
	}
	var c claims
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), // pinned: RFC 8725, 3.1
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithStrictDecoding(),
	)
	if _, err := parser.ParseWithClaims(key, &c, k.signingKey(now)); err != nil {
		return nil, ErrInvalid.Wrap(err)
	}
	if !now.Before(c.ExpiresAt.Time) {
		return nil, ErrInvalid.Wrap(jwt.ErrTokenExpired) // leeway does not extend a key's life
	}
	if c.AuthorizedParty == "" {
		return nil, ErrInvalid.Wrap(errors.New("no azp: nothing could revoke it"))
	}
	return &c, nil
}

func (k *Keys) issue(owner Owner, audience string, now time.Time, expiry time.Duration) (string, error) {
	if expiry < MinExpiry || expiry > k.longest() {
		return "", sluice.Errorf(sluice.KindInvalid, "expiry_seconds_invalid",
			"expiry_seconds must be between %d and %d", int(MinExpiry.Seconds()), int(k.longest().Seconds()))
	}
	if owner.Account == 0 || owner.Key == "" {
		return "", errors.New("an event key is asked for without an application key")
	}
	signing := k.inUse(now).current
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    issuer,
			Subject:   subject(owner.Account),
			Audience:  jwt.ClaimStrings{audience},
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(expiry)),
			ID:        rand.Text(),
		},
		AuthorizedParty: owner.Key,
	})
	token.Header["typ"] = tokenType
	token.Header["kid"] = signing.id
	text, err := token.SignedString(signing.bytes)
	if err != nil {
		return "", fmt.Errorf("sign event key: %w", err)
	}
	return text, nil
}

// signingKey hands the parser the secret that a token names, for tokens of our
// type only.
func (k *Keys) signingKey(now time.Time) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != tokenType {
			return nil, fmt.Errorf("typ %v is not %s", t.Header["typ"], tokenType)
		}
		id, _ := t.Header["kid"].(string)
		inUse := k.inUse(now)
		for _, s := range []secret{inUse.current, inUse.previous} {
			if s.id == id && len(s.bytes) > 0 {
				return s.bytes, nil
			}
		}
		return nil, fmt.Errorf("kid %q is none of ours", id)
	}
}

// inUse is the secrets. What is wrong with their file is logged, once a second at
// most, for as long as it is wrong.
func (k *Keys) inUse(now time.Time) secrets {
	k.mu.Lock()
	k.refresh(now)
	inUse, fault := k.secrets, k.fault
	unsaid, due := 0, false
	if fault != nil {
		unsaid, due = k.said.Due(now)
	}
	k.mu.Unlock()
	if due && k.Log != nil {
		k.Log.Error("the secret of event keys was replaced by one that cannot be read; the one before stays in use until the server stops",
			"err", fault, "usedSince", unsaid, "hint", "restore the file, and make it readable for this user")
	}
	return inUse
}

// refresh reads the secrets again when their file is another one than it was: one
// that a command rotated is used at once. A file that is gone, or cannot be read,
// leaves those in memory in use.
func (k *Keys) refresh(now time.Time) {
	if k.file == "" || k.fault != nil && now.Sub(k.looked) < lookEvery {
		return
	}
	k.looked = now
	next, err := k.secrets.renewed(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	k.secrets, k.fault = next, err
}

func covers(audience []string, account sluice.AccountID, stream sluice.StreamID) bool {
	return slices.Contains(audience, streamAudience(stream)) ||
		slices.Contains(audience, accountAudience(account))
}

func streamAudience(id sluice.StreamID) string   { return fmt.Sprintf("events:%d", id) }
func accountAudience(id sluice.AccountID) string { return fmt.Sprintf("events:account:%d", id) }
func subject(id sluice.AccountID) string         { return fmt.Sprintf("%s%d", subjectPrefix, id) }
