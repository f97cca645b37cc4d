// Package cmaftest holds encoder output made beforehand, and presentations fed
// with it, for tests of the packager and of what stands on it.
package cmaftest

import (
	"bytes"
	"embed"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
)

//go:embed testdata/*.mp4
var fixtures embed.FS

// Encoded is what an encoder wrote for a rendition (360, 480 or audio): 7 s
// from media time 100.6 s on, with the key frames on the grid.
func Encoded(tb testing.TB, rendition string) []byte {
	tb.Helper()
	b, err := fixtures.ReadFile("testdata/" + rendition + ".mp4")
	require.NoError(tb, err)
	return b
}

// Clock is anchored at a fixed instant.
func Clock() sluice.Clock {
	return sluice.Clock{Anchor: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)}
}

// NewPresentation makes an empty presentation of two renditions and audio, in
// chunks of 200 ms.
func NewPresentation(tb testing.TB) *cmaf.Presentation {
	tb.Helper()
	ladder, err := sluice.NewLadder("480")
	require.NoError(tb, err)
	return cmaf.NewPresentation(cmaf.Config{Clock: Clock(), Ladder: ladder, Chunk: 6})
}

// Renditions are the tracks of NewPresentation.
func Renditions() []string { return []string{"360", "480", sluice.AudioName} }

// Feed reads the whole of Encoded into every track.
func Feed(tb testing.TB, p *cmaf.Presentation) {
	tb.Helper()
	for _, name := range Renditions() {
		require.NoError(tb, p.Track(name).Consume(tb.Context(), bytes.NewReader(Encoded(tb, name))))
	}
}

// Shift moves the decode times of an encoder run on by a number of seconds.
func Shift(tb testing.TB, run []byte, seconds uint64) []byte {
	tb.Helper()
	moved := bytes.Clone(run)
	timescale := uint64(binary.BigEndian.Uint32(moved[bytes.Index(moved, []byte("mdhd"))+16:]))
	for rest := moved; ; {
		at := bytes.Index(rest, []byte("tfdt\x01\x00\x00\x00"))
		if at < 0 {
			return moved
		}
		rest = rest[at+8:]
		binary.BigEndian.PutUint64(rest, binary.BigEndian.Uint64(rest)+seconds*timescale)
	}
}

// Split cuts an encoder run in two before the first fragment at or after a media
// time: what was written by then, and what is yet to come.
func Split(tb testing.TB, run []byte, at time.Duration) (before, after []byte) {
	tb.Helper()
	timescale := uint64(binary.BigEndian.Uint32(run[bytes.Index(run, []byte("mdhd"))+16:]))
	for from := 0; ; {
		moof := bytes.Index(run[from:], []byte("moof"))
		if moof < 0 { // looked at thousands of times in some tests: require costs more than the search
			require.Fail(tb, "the run ends too early", "before %v", at)
		}
		from += moof
		tfdt := from + bytes.Index(run[from:], []byte("tfdt"))
		if ticks := binary.BigEndian.Uint64(run[tfdt+8:]); ticks*1000 >= timescale*uint64(at.Milliseconds()) {
			return run[:from-4], run[from-4:]
		}
		from += 4
	}
}
