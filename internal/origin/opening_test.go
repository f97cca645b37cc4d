package origin

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// list is lines as a playlist has them.
func list(from, n int) string {
	var text strings.Builder
	for i := range n {
		s := from + i
		_, _ = fmt.Fprintf(&text, "#EXT-X-PROGRAM-DATE-TIME:2026-02-03T%02d:%02d:%02d.000Z\n#EXTINF:2.00000,\nchunk-stream360-%d.m4s\n", s/1800%24, s/30%60, s%30*2, s)
	}
	return text.String()
}

func unzip(t *testing.T, zipped []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

// Whatever an opening is, text that begins with it is packed as any other.
func TestZip(t *testing.T) {
	const day = 43_200
	for _, c := range []struct{ opening, rest int }{{0, 0}, {0, 30}, {28, 2}, {28, 0}, {day, 2}, {day, 0}} {
		o := &opening{}
		if c.opening > 0 {
			o = newOpening(list(0, c.opening))
		}
		rest := list(c.opening, c.rest)
		for range 2 { // it is used again
			zipped, err := o.zip([]byte(rest))
			require.NoError(t, err)
			require.Equal(t, o.text+rest, unzip(t, zipped))
		}
	}
	short := &opening{}
	whole, err := short.zip([]byte(list(0, 30)))
	require.NoError(t, err)
	shared, err := newOpening(list(0, 28)).zip([]byte(list(28, 2)))
	require.NoError(t, err)
	require.Less(t, len(shared), len(whole)+64, "it refers to the opening")
}

// BenchmarkLongManifest is what a part costs besides text, in a playlist of a day.
func BenchmarkLongManifest(b *testing.B) {
	o, rest := newOpening(list(0, 43_200)), list(43_200, 10)
	b.Run("manifest", func(b *testing.B) {
		for b.Loop() {
			newManifest(o, typeHLS, false, func() (string, error) { return o.text + rest, nil })
		}
	})
	b.Run("gzip", func(b *testing.B) {
		for b.Loop() {
			zipped, _ := o.zip([]byte(rest))
			b.ReportMetric(float64(len(zipped)), "bytes")
		}
	})
	b.Run("opening", func(b *testing.B) { // once a segment
		for b.Loop() {
			newOpening(o.text)
		}
	})
}
