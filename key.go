package sluice

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"
)

// KeyPrefix opens every application key this server makes, so that secret
// scanners know one when they see it.
const KeyPrefix = "sluice"

// MinKeyLength is the least length, in bytes, of a key that is brought from
// outside (SLUICE_BOOTSTRAP_KEY). A bare SHA-256 protects no secret that can be
// guessed, and people's secrets have few bits a character.
const MinKeyLength = 24

// minSecretLength is the least length of the secret part of a key of our form.
// It is part of how stored keys are found (KeyID), so it never changes.
const minSecretLength = 16

// keyAlphabet is base32 (RFC 4648, section 6) in lower case.
const keyAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

// Key is an application key as it is stored: what the bearer proves is known
// only by its SHA-256, which is enough for a secret of 160 random bits
// (OWASP ASVS 5.0, 6.5.2).
type Key struct {
	ID         string // public, found from the secret: see KeyID
	AccountID  AccountID
	Name       string
	Hint       string // the first characters, for a person to recognize it by
	Hash       [sha256.Size]byte
	CreatedAt  time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

// NewKey makes a key for an account and returns it with its secret text, which
// exists nowhere else and cannot be shown again.
func NewKey(account AccountID, name string, now time.Time) (Key, string) {
	random := make([]byte, 25) // 5 bytes of public id, 20 of secret
	_, _ = rand.Read(random)   // never fails: crypto/rand, Go 1.24
	enc := base32.NewEncoding(keyAlphabet).WithPadding(base32.NoPadding)
	text := KeyPrefix + "_" + enc.EncodeToString(random[:5]) + "_" + enc.EncodeToString(random[5:])
	k, _ := KeyFromText(account, name, text, now) // long enough by construction
	return k, text
}

// KeyFromText makes the stored form of a key whose text is given from outside.
// It fails with key_too_short below MinKeyLength bytes.
func KeyFromText(account AccountID, name, text string, now time.Time) (Key, error) {
	if len(text) < MinKeyLength {
		return Key{}, Errorf(KindInvalid, "key_too_short",
			"an application key needs at least %d characters, and this one has %d; `sluice key create` makes a good one, and so does `openssl rand -hex 24`",
			MinKeyLength, len(text))
	}
	return Key{
		ID:        KeyID(text),
		AccountID: account,
		Name:      name,
		Hint:      keyHint(text),
		Hash:      sha256.Sum256([]byte(text)),
		CreatedAt: now,
	}, nil
}

// KeyID is the public id of the key with this text: the middle part of
// prefix_id_secret, or, for a key of another form, the start of its hash.
func KeyID(text string) string {
	if id, ok := publicPart(text); ok {
		return id
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:5])
}

// keyHint shows the public part of our own keys and up to three characters of
// others.
func keyHint(text string) string {
	if id, ok := publicPart(text); ok {
		return KeyPrefix + "_" + id + "_…"
	}
	return strings.ToValidUTF8(text[:3], "") + "…"
}

// publicPart is the id in a key of our own form. A key from outside that only
// looks like one is not of that form: its id has to be plain letters and digits,
// and enough has to stay secret without the id.
func publicPart(text string) (id string, ok bool) {
	parts := strings.Split(text, "_")
	if len(parts) != 3 || parts[0] != KeyPrefix || len(parts[2]) < minSecretLength {
		return "", false
	}
	return parts[1], parts[1] != "" && strings.Trim(parts[1], keyAlphabet) == ""
}

// Accepts reports whether text is this key and the key is not revoked. The
// comparison takes the same time whatever the text.
func (k Key) Accepts(text string) bool {
	sum := sha256.Sum256([]byte(text))
	same := subtle.ConstantTimeCompare(sum[:], k.Hash[:]) == 1
	return same && k.RevokedAt == nil
}
