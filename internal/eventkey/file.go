package eventkey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secretLength is the length of a signing secret in bytes: that of the hash, as
// RFC 7518, section 3.2, demands at least.
const secretLength = 32

// secret is what event keys are signed with. Its id, the kid of the keys it
// signs, tells nothing of it: it is a hash of 256 random bits.
type secret struct {
	id    string
	bytes []byte
}

func newSecret(bytes []byte) secret {
	sum := sha256.Sum256(bytes)
	return secret{id: hex.EncodeToString(sum[:6]), bytes: bytes}
}

// secrets are the one that signs, and the one before it, whose keys are still
// good; that one is zero before the first rotation.
type secrets struct {
	current, previous secret

	info fs.FileInfo // of the file that current was read from
}

// stale reports whether the file was replaced since it was read.
func (s *secrets) stale(path string) bool {
	info, err := os.Stat(path)
	return err == nil && (s.info == nil || !os.SameFile(info, s.info) || !info.ModTime().Equal(s.info.ModTime()))
}

// previousFile is where the secret is that was in use before the last rotation.
func previousFile(path string) string { return path + ".old" }

// LoadOrCreate reads the signing secrets from a file, and from the one that was
// in use before, and makes the file at the first start. A file of another length
// is an error and is left alone: somebody may want it back.
func LoadOrCreate(path string) (*Keys, error) {
	found, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path); err == nil {
			found, err = read(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return &Keys{file: path, secrets: found}, nil
}

// Rotate makes a new secret for the keys that are issued from now on, also by a
// server that runs. Keys signed with the one before stay good until they expire:
// those of the secret before that do not.
func Rotate(path string) error {
	now, err := read(path)
	if err != nil {
		return err
	}
	// The old name is right before the new one is, so that at no moment, not even
	// after a crash, is a secret lost that keys in use were signed with.
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // what an interrupted rotation left
	}
	if err := create(fresh); err != nil {
		return err
	}
	old := path + ".new.old"
	err = write(old, now.current.bytes, os.O_TRUNC)
	if err == nil {
		err = os.Rename(old, previousFile(path))
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	return errors.Join(err, syncFolder(filepath.Dir(path)))
}

// read reads the secrets there are.
func read(path string) (secrets, error) {
	info, err := os.Stat(path) // before its content: a rotation meanwhile is seen next time
	if err != nil {
		return secrets{}, fmt.Errorf("event signing key: %w", err)
	}
	found := secrets{info: info}
	if found.current, err = readSecret(path); err != nil {
		return secrets{}, err
	}
	found.previous, err = readSecret(previousFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return found, err
}

func readSecret(path string) (secret, error) {
	bytes, err := os.ReadFile(path) //nolint:gosec // G304: the operator's own setting
	if err != nil {
		return secret{}, fmt.Errorf("event signing key: %w", err)
	}
	if len(bytes) != secretLength {
		return secret{}, fmt.Errorf("event signing key: %s has %d bytes, not %d; restore it, or delete it and a new one is made (event keys in use become invalid)",
			path, len(bytes), secretLength)
	}
	return newSecret(bytes), nil
}

// create writes a new secret. It never overwrites a file, and the secret is on
// the disk before the first key is signed with it.
func create(path string) error {
	bytes := make([]byte, secretLength)
	_, _ = rand.Read(bytes) // never fails: crypto/rand, Go 1.24
	if err := write(path, bytes, os.O_EXCL); err != nil {
		return fmt.Errorf("event signing key: %w", err)
	}
	return nil
}

// write makes a file that only its owner reads, and has it on the disk.
func write(path string, bytes []byte, how int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|how, 0o600) //nolint:gosec // G304: as above
	if err != nil {
		return err
	}
	_, err = f.Write(bytes)
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		return errors.Join(err, os.Remove(path)) // half a secret would stop the next start
	}
	return nil
}

// syncFolder makes a new name in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: as above
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
