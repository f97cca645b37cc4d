// Package dvr keeps segments in files, for windows that are longer than what is
// held in memory.
package dvr

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
)

// Store is a folder with a folder for each stream. Whatever stands in it was
// written by one run of the server.
type Store struct {
	root *os.Root
}

// Open makes the folder if it is not there, and empties it: the streams of the
// last run have ended.
func Open(folder string) (*Store, error) {
	if err := os.RemoveAll(folder); err != nil {
		return nil, fmt.Errorf("empty the DVR folder: %w", err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("make the DVR folder: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open the DVR folder: %w", err)
	}
	return &Store{root: root}, nil
}

// Close removes what is in the folder, and lets go of it.
func (s *Store) Close() error {
	folders, err := fs.ReadDir(s.root.FS(), ".")
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // somebody else did
	}
	for _, folder := range folders {
		err = errors.Join(err, s.root.RemoveAll(folder.Name()))
	}
	return errors.Join(err, s.root.Close())
}

// Shelf is where a stream's segments go.
func (s *Store) Shelf(id sluice.StreamID) *Shelf {
	return &Shelf{root: s.root, folder: strconv.FormatInt(int64(id), 10)}
}

// Shelf keeps the segments of one stream. It implements cmaf.Shelf.
type Shelf struct {
	root   *os.Root
	folder string
}

var _ cmaf.Shelf = (*Shelf)(nil)

func (s *Shelf) path(track string, number uint64) string {
	return s.folder + "/" + cmaf.SegmentName(track, number)
}

// Put implements cmaf.Shelf. A segment that could not be written whole leaves
// nothing behind.
func (s *Shelf) Put(track string, segment *cmaf.Segment) error {
	if err := s.root.MkdirAll(s.folder, 0o750); err != nil {
		return fmt.Errorf("shelve a segment: %w", err)
	}
	path := s.path(track, segment.Number)
	if err := s.root.WriteFile(path, segment.Bytes, 0o640); err != nil {
		return errors.Join(fmt.Errorf("shelve a segment: %w", err), s.root.Remove(path))
	}
	return nil
}

// Open implements cmaf.Shelf.
func (s *Shelf) Open(track string, number uint64) (io.ReadSeekCloser, error) {
	return s.root.Open(s.path(track, number))
}

// Drop implements cmaf.Shelf.
func (s *Shelf) Drop(track string, number uint64) error {
	err := s.root.Remove(s.path(track, number))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Clear lets go of the stream's segments, whatever they are.
func (s *Shelf) Clear() error { return s.root.RemoveAll(s.folder) }
