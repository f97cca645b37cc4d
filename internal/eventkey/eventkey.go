// Package eventkey issues and checks the keys that stand in the address of an
// event stream, where no Authorization header can.
package eventkey

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluicelive/sluice"
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
	// maxLength bounds what is parsed at all; a key has about 330 bytes.
	maxLength = 2048
)

// ErrInvalid is the answer to every key that is not good, whatever is wrong
// with it: the cause is for the log.
var ErrInvalid = sluice.Errorf(sluice.KindForbidden, "event_key_invalid",
	"a valid event key for this stream is needed: make one with POST /v1/streams/{id}/eventkey; "+
		"an application key never belongs in an address")

// subjectPrefix stands before an account's number.
const subjectPrefix = "account:"

// ErrExpiry is the answer to an expiry out of bounds.
var ErrExpiry = sluice.Errorf(sluice.KindInvalid, "expiry_seconds_invalid",
	"expiry_seconds must be between %d and %d", int(MinExpiry.Seconds()), int(MaxExpiry.Seconds()))

// Keys issues and checks event keys: JWTs (RFC 7519) signed with HMAC-SHA-256.
type Keys struct {
	secret []byte
}

// New makes Keys that sign with secret.
func New(secret []byte) *Keys { return &Keys{secret: secret} }

// ForStream issues a key for one stream of an account.
func (k *Keys) ForStream(account sluice.AccountID, stream sluice.StreamID, now time.Time, expiry time.Duration) (string, error) {
	return k.issue(account, streamAudience(stream), now, expiry)
}

// ForAccount issues a key for every stream of an account.
func (k *Keys) ForAccount(account sluice.AccountID, now time.Time, expiry time.Duration) (string, error) {
	return k.issue(account, accountAudience(account), now, expiry)
}

// Verify checks that a key opens the events of a stream of an account, and
// returns the time from which on it does not. It fails with ErrInvalid.
func (k *Keys) Verify(key string, account sluice.AccountID, stream sluice.StreamID, now time.Time) (time.Time, error) {
	claims, err := k.open(key, now)
	if err != nil {
		return time.Time{}, err
	}
	if claims.Subject != subject(account) {
		return time.Time{}, ErrInvalid.Wrap(jwt.ErrTokenInvalidSubject)
	}
	if !covers(claims.Audience, account, stream) {
		return time.Time{}, ErrInvalid.Wrap(jwt.ErrTokenInvalidAudience)
	}
	return claims.ExpiresAt.Time, nil
}

// Account is the account that a key was issued to. It fails with ErrInvalid.
func (k *Keys) Account(key string, now time.Time) (sluice.AccountID, error) {
	claims, err := k.open(key, now)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(claims.Subject, subjectPrefix), 10, 64)
	if err != nil || id <= 0 {
		return 0, ErrInvalid.Wrap(jwt.ErrTokenInvalidSubject)
	}
	return sluice.AccountID(id), nil
}

// open checks everything about a key but whom and what it is for.
func (k *Keys) open(key string, now time.Time) (*jwt.RegisteredClaims, error) {
	if len(key) > maxLength {
		return nil, ErrInvalid.Wrap(fmt.Errorf("%d bytes", len(key)))
	}
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), // pinned: RFC 8725, 3.1
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithStrictDecoding(),
	)
	if _, err := parser.ParseWithClaims(key, &claims, k.signingKey); err != nil {
		return nil, ErrInvalid.Wrap(err)
	}
	if !now.Before(claims.ExpiresAt.Time) {
		return nil, ErrInvalid.Wrap(jwt.ErrTokenExpired) // leeway does not extend a key's life
	}
	return &claims, nil
}

func (k *Keys) issue(account sluice.AccountID, audience string, now time.Time, expiry time.Duration) (string, error) {
	if expiry < MinExpiry || expiry > MaxExpiry {
		return "", ErrExpiry
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   subject(account),
		Audience:  jwt.ClaimStrings{audience},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(expiry)),
		ID:        rand.Text(),
	})
	token.Header["typ"] = tokenType
	text, err := token.SignedString(k.secret)
	if err != nil {
		return "", fmt.Errorf("sign event key: %w", err)
	}
	return text, nil
}

// signingKey hands the parser the secret, for tokens of our type only.
func (k *Keys) signingKey(t *jwt.Token) (any, error) {
	if t.Header["typ"] != tokenType {
		return nil, fmt.Errorf("typ %v is not %s", t.Header["typ"], tokenType)
	}
	return k.secret, nil
}

func covers(audience []string, account sluice.AccountID, stream sluice.StreamID) bool {
	return slices.Contains(audience, streamAudience(stream)) ||
		slices.Contains(audience, accountAudience(account))
}

func streamAudience(id sluice.StreamID) string   { return fmt.Sprintf("events:%d", id) }
func accountAudience(id sluice.AccountID) string { return fmt.Sprintf("events:account:%d", id) }
func subject(id sluice.AccountID) string         { return fmt.Sprintf("%s%d", subjectPrefix, id) }
