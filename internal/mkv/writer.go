// Package mkv writes the live Matroska stream that the encoder reads.
package mkv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicelive/sluice/internal/media"
)

// Track numbers in the stream.
const (
	videoTrack = 1
	audioTrack = 2
)

// timecodeScale is the length of a Matroska tick in nanoseconds. A microsecond,
// not the usual millisecond: rounding would make a constant frame rate jitter.
const timecodeScale = 1000

// Element identifiers (RFC 9559, section 5).
const (
	clusterID     = "\x1F\x43\xB6\x75"
	timestampID   = 0xE7
	simpleBlockID = 0xA3
)

// Writer writes one stream of one video and one Opus track. Each frame is one
// cluster and one call of Write on the destination, so nothing is held back.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter writes the head of a stream whose video is of the given codec.
func NewWriter(w io.Writer, video media.Codec) (*Writer, error) {
	if video.Kind() != media.Video || codecID(video) == "" {
		return nil, fmt.Errorf("mkv: %v is not a video codec", video)
	}
	head, err := head(video)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(head); err != nil {
		return nil, fmt.Errorf("mkv: write head: %w", err)
	}
	return &Writer{w: w}, nil
}

// WriteVideo writes one coded picture that is shown at media time t.
func (w *Writer) WriteVideo(t time.Duration, key bool, data []byte) error {
	return w.block(videoTrack, t, key, data)
}

// WriteAudio writes one Opus packet whose first sample is heard at media time t.
func (w *Writer) WriteAudio(t time.Duration, data []byte) error {
	return w.block(audioTrack, t, true, data)
}

// block writes a cluster with its timestamp and one SimpleBlock at relative
// time 0 (RFC 9559, sections 5.1.3 and 10.2).
func (w *Writer) block(track byte, t time.Duration, key bool, data []byte) error {
	if t < 0 {
		return errors.New("mkv: media time below zero")
	}
	const (
		timestampSize = 2 + 8 // id, length, 8 bytes
		blockHead     = 4     // track, relative time, flags
	)
	flags := byte(0)
	if key {
		flags = 0x80
	}
	blockSize := blockHead + len(data)
	b := append(w.buf[:0], clusterID...)
	b = appendSize(b, timestampSize+1+8+blockSize)
	b = append(b, timestampID, 0x88)
	b = binary.BigEndian.AppendUint64(b, uint64(t.Nanoseconds()/timecodeScale))
	b = append(b, simpleBlockID)
	b = appendSize(b, blockSize)
	b = append(b, 0x80|track, 0, 0, flags)
	b = append(b, data...)
	w.buf = b
	if _, err := w.w.Write(b); err != nil {
		return fmt.Errorf("mkv: write frame: %w", err)
	}
	return nil
}

// appendSize appends an element's size in the eight-byte form (RFC 8794,
// section 6).
func appendSize(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(b, 1<<56|uint64(n))
}
