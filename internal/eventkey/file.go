package eventkey

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secretLength is the length of the signing key in bytes: that of the hash, as
// RFC 7518, section 3.2, demands at least.
const secretLength = 32

// LoadOrCreate reads the signing key from a file, and makes the file at the
// first start. A file of another length is an error and is left alone: whoever
// put it there may want it back.
func LoadOrCreate(path string) (*Keys, error) {
	secret, err := os.ReadFile(path) //nolint:gosec // G304: the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		secret, err = create(path)
	}
	if err != nil {
		return nil, fmt.Errorf("event signing key: %w", err)
	}
	if len(secret) != secretLength {
		return nil, fmt.Errorf("event signing key: %s has %d bytes, not %d; restore it, or delete it and a new one is made (event keys in use become invalid)",
			path, len(secret), secretLength)
	}
	return New(secret), nil
}

// create writes a new secret. It never overwrites a file, and the secret is on
// the disk before the first key is signed with it.
func create(path string) ([]byte, error) {
	secret := make([]byte, secretLength)
	_, _ = rand.Read(secret) // never fails: crypto/rand, Go 1.24

	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: as above
	if err != nil {
		return nil, err
	}
	_, err = f.Write(secret)
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, os.Remove(path)) // half a secret would stop the next start
	}
	return secret, nil
}

// syncFolder makes a new name in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: as above
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
