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
func (s secrets) stale(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("event signing key: %w", err)
	}
	return s.info == nil || !os.SameFile(info, s.info) || !info.ModTime().Equal(s.info.ModTime()), nil
}

// renewed is the secrets as they are now: those of the file when it was replaced.
// When that cannot be read they are the ones of before.
func (s secrets) renewed(path string) (secrets, error) {
	stale, err := s.stale(path)
	if err != nil || !stale {
		return s, err
	}
	next, err := read(path)
	if err != nil {
		return s, err
	}
	return next, nil
}

// previousFile is where the secret is that was in use before the last rotation.
func previousFile(path string) string { return path + ".old" }

// LoadOrCreate reads the signing secrets from a file, and from the one that was
// in use before, and makes the file at the first start. A file of another length
// is an error and is left alone: somebody may want it back.
func LoadOrCreate(path string) (*Keys, error) {
	found, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path, nil); err == nil {
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
// those of the secret before that do not. The files belong to the user whom the
// one before belongs to, so that a server can read what root rotates.
func Rotate(path string) (err error) {
	now, err := read(path)
	if err != nil {
		return err
	}
	fresh, old := path+".new", path+".new.old"
	// An interrupted rotation left them. Files that are there are never opened: in a
	// folder of another user they can be links to anywhere.
	if err := errors.Join(remove(fresh), remove(old)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(fresh), remove(old)) }() // no secret stays after a failure
	if err := create(fresh, now.info); err != nil {
		return err
	}
	if err := write(old, now.current.bytes, now.info); err != nil {
		return fmt.Errorf("event signing key: %w", err)
	}
	// The old name is right before the new one is, so that at no moment, not even
	// after a crash, is a secret lost that keys in use were signed with.
	if err = os.Rename(old, previousFile(path)); err == nil {
		err = os.Rename(fresh, path)
	}
	return errors.Join(err, syncFolder(filepath.Dir(path)))
}

// remove removes a file if there is one.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
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
func create(path string, like fs.FileInfo) error {
	bytes := make([]byte, secretLength)
	_, _ = rand.Read(bytes) // never fails: crypto/rand, Go 1.24
	if err := write(path, bytes, like); err != nil {
		return fmt.Errorf("event signing key: %w", err)
	}
	return nil
}

// write makes a file and has it on the disk. Its readers are those of the file
// that it replaces; without one, its owner alone.
func write(path string, bytes []byte, like fs.FileInfo) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: as above
	if err != nil {
		return err
	}
	_, err = f.Write(bytes)
	if err == nil && like != nil {
		err = handOver(f, like)
	}
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		return errors.Join(err, os.Remove(path)) // half a secret would stop the next start
	}
	return nil
}

// handOver gives a file to those who can read another one.
func handOver(f *os.File, like fs.FileInfo) error {
	own, err := f.Stat()
	if err != nil {
		return err
	}
	mode := like.Mode().Perm()
	user, group := belongsTo(like)
	ownUser, ownGroup := belongsTo(own)
	if user != ownUser || group != ownGroup {
		err = f.Chown(user, group)
		if user == ownUser && mode&0o070 == 0 {
			err = nil // the group reads nothing, so it does not matter which it is
		}
	}
	if err != nil {
		return fmt.Errorf("%s belongs to user %d and group %d, for whom this user cannot make a file: %w; run the command as user %d, as the server does, or as root",
			like.Name(), user, group, err, user)
	}
	return f.Chmod(mode)
}

// syncFolder makes a new name in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: as above
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
