package chunks_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/loadtest/chunks"
)

// scan shows bytes to a scanner in pieces of a size.
func scan(s *chunks.Scanner, b []byte, size int) (found []chunks.Chunk, err error) {
	for len(b) > 0 && err == nil {
		n := min(size, len(b))
		err = s.Write(b[:n], func(c chunks.Chunk) { found = append(found, c) })
		b = b[n:]
	}
	return found, err
}

func TestScanner(t *testing.T) {
	p := cmaftest.NewPresentation(t)
	cmaftest.Feed(t, p)
	for _, name := range cmaftest.Renditions() {
		track := p.Track(name).Snapshot()
		segment := track.Segment(51)
		want := make([]chunks.Chunk, 0, len(segment.Chunks))
		for _, c := range segment.Chunks {
			want = append(want, chunks.Chunk{Start: c.Start, Duration: c.Duration})
		}
		for _, size := range []int{1, 7, 1000, 1 << 20} {
			var s chunks.Scanner
			none, err := scan(&s, track.Init.Bytes, size)
			require.NoError(t, err)
			require.Empty(t, none)
			require.Equal(t, track.Init.Timescale, s.Track.Timescale)
			found, err := scan(&chunks.Scanner{Track: s.Track}, segment.Bytes, size)
			require.NoError(t, err)
			require.Equal(t, want, found, "%s in pieces of %d", name, size)
		}
		found, err := scan(&chunks.Scanner{Track: chunks.Track{Timescale: 1}}, segment.Bytes[:len(segment.Bytes)-1], 100)
		require.NoError(t, err)
		require.Len(t, found, len(want)-1, "a chunk counts when the whole of it is there")
	}
}

func box(kind string, size uint32, body ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, size)
	return append(append(b, kind...), body...)
}

func TestBadBoxes(t *testing.T) {
	for name, b := range map[string][]byte{
		"smaller than its header":     box("free", 7),
		"to the end of the file":      box("mdat", 0),
		"a large size that is small":  append(box("mdat", 1), make([]byte, 8)...),
		"a moof that claims too much": box("moof", 1<<30),
		"a moof without a traf":       box("moof", 8),
		"a moov without a trak":       box("moov", 8),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scan(&chunks.Scanner{}, append(b, make([]byte, 64)...), 5)
			require.ErrorIs(t, err, chunks.ErrBox)
		})
	}
}

func FuzzScanner(f *testing.F) {
	header, _ := cmaftest.Split(f, cmaftest.Encoded(f, "audio"), 0)
	first, _ := cmaftest.Split(f, cmaftest.Encoded(f, "audio"), 100620*time.Millisecond)
	f.Add(header, 100)
	f.Add(first[len(header):], 7)
	f.Add(box("mdat", 1, 0, 0, 0, 0, 0, 0, 0, 20, 1, 2, 3, 4), 3)
	f.Fuzz(func(_ *testing.T, b []byte, size int) {
		_, _ = scan(&chunks.Scanner{}, b, max(1, size))
	})
}
