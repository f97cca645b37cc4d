// Package chunks finds out of the bytes of a fragmented MP4, as they pass, which
// media have come.
package chunks

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// ErrBox is wrapped by every error about bytes that are no fragmented MP4 of one
// track.
var ErrBox = errors.New("no fragmented MP4 of one track")

// maxBox is how many bytes of a box that is read are kept, at most. All others,
// the media themselves among them, pass by.
const maxBox = 1 << 18

// Track is what the init segment says of the ticks in the others.
type Track struct {
	Timescale uint32 // ticks a second
	Sample    uint32 // ticks of a sample that says nothing else
}

// Chunk is a moof whose mdat has come to its end.
type Chunk struct {
	Start    uint64 // decode time, in ticks
	Duration uint64 // ticks
}

// Scanner reads bytes in pieces of any size. The zero Scanner is at the start of
// a segment.
type Scanner struct {
	Track Track

	head  []byte // of the box to come, as far as it is there
	open  bool   // a box has begun
	kind  string // of it
	left  uint64 // bytes that it still has
	keeps bool   // it is read
	kept  []byte // it, as far as it is there
	next  Chunk  // of the moof that came last
	full  bool   // which waits for its mdat
}

// Write takes the next bytes, and calls found for each chunk that they complete.
func (s *Scanner) Write(b []byte, found func(Chunk)) error {
	for len(b) > 0 {
		if !s.open {
			n := min(s.missing(), len(b))
			s.head = append(s.head, b[:n]...)
			b = b[n:]
			if s.missing() > 0 {
				continue
			}
			if err := s.begin(); err != nil {
				return err
			}
		}
		n := min(s.left, uint64(len(b)))
		if s.keeps {
			s.kept = append(s.kept, b[:n]...)
		}
		s.left -= n
		b = b[n:]
		if s.left == 0 {
			s.open = false
			if err := s.end(found); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sizes of a box's header, without and with a large size (ISO/IEC 14496-12,
// section 4.2).
const (
	shortHeader = 8
	longHeader  = 16
)

// missing is how many bytes of a box's header are yet to come.
func (s *Scanner) missing() int {
	if len(s.head) >= shortHeader && binary.BigEndian.Uint32(s.head) == 1 {
		return longHeader - len(s.head)
	}
	return shortHeader - len(s.head)
}

// begin reads the header of a box.
func (s *Scanner) begin() error {
	size := uint64(binary.BigEndian.Uint32(s.head))
	if len(s.head) == longHeader {
		size = binary.BigEndian.Uint64(s.head[shortHeader:])
	}
	s.kind = string(s.head[4:shortHeader])
	s.keeps = s.kind == "moof" || s.kind == "moov"
	if size < uint64(len(s.head)) || s.keeps && size > maxBox {
		return fmt.Errorf("%w: %q of %d bytes", ErrBox, s.kind, size)
	}
	s.open, s.left = true, size-uint64(len(s.head))
	s.kept = append(s.kept[:0], s.head...)
	s.head = s.head[:0]
	return nil
}

// end looks at a box that has come to its end.
func (s *Scanner) end(found func(Chunk)) error {
	switch s.kind {
	case "moov":
		return s.readHeader()
	case "moof":
		return s.readFragment()
	case "mdat":
		if s.full {
			s.full = false
			found(s.next)
		}
	}
	return nil
}

func (s *Scanner) decode() (mp4.Box, error) {
	box, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(s.kept))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBox, err)
	}
	return box, nil
}

func (s *Scanner) readHeader() error {
	box, err := s.decode()
	if err != nil {
		return err
	}
	moov, ok := box.(*mp4.MoovBox)
	if !ok || len(moov.Traks) != 1 || moov.Trak.Mdia == nil || moov.Trak.Mdia.Mdhd == nil || moov.Trak.Mdia.Mdhd.Timescale == 0 {
		return fmt.Errorf("%w: moov without exactly one trak and its timescale", ErrBox)
	}
	s.Track.Timescale = moov.Trak.Mdia.Mdhd.Timescale
	if moov.Mvex != nil && moov.Mvex.Trex != nil {
		s.Track.Sample = moov.Mvex.Trex.DefaultSampleDuration
	}
	return nil
}

func (s *Scanner) readFragment() error {
	box, err := s.decode()
	if err != nil {
		return err
	}
	moof, ok := box.(*mp4.MoofBox)
	if !ok || len(moof.Trafs) != 1 || moof.Traf.Tfhd == nil || moof.Traf.Tfdt == nil {
		return fmt.Errorf("%w: moof without exactly one traf, its tfhd and tfdt", ErrBox)
	}
	traf := moof.Traf
	sample := s.Track.Sample
	if traf.Tfhd.HasDefaultSampleDuration() {
		sample = traf.Tfhd.DefaultSampleDuration
	}
	s.next = Chunk{Start: traf.Tfdt.BaseMediaDecodeTime()}
	for _, trun := range traf.Truns {
		if !trun.HasSampleDuration() {
			s.next.Duration += uint64(trun.SampleCount()) * uint64(sample)
			continue
		}
		for _, one := range trun.Samples {
			s.next.Duration += uint64(one.Dur)
		}
	}
	s.full = true
	return nil
}
