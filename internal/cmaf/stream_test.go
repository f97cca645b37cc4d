package cmaf

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"
)

// Tests write encoder output sample by sample, after the header of a fixture.

const (
	frame    = 3000          // ticks of one picture at 90 kHz
	aac      = 1024          // ticks of one audio frame at 48 kHz
	segTicks = 2 * 90_000    // ticks of one video segment
	segAudio = 2 * 48_000    // ticks of one audio segment
	sec100   = 50 * segTicks // where segment 50 starts
)

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("cmaftest/testdata/" + name + ".mp4") //nolint:gosec // a fixture
	require.NoError(tb, err)
	return b
}

// header is the ftyp and moov of a fixture.
func header(tb testing.TB, name string) []byte {
	tb.Helper()
	b := fixture(tb, name)
	return b[:bytes.Index(b, []byte("moof"))-4]
}

// fragment is a moof and mdat of one sample, as FFmpeg writes it.
func fragment(tb testing.TB, start uint64, duration uint32, key bool, payload string) []byte {
	tb.Helper()
	f, err := mp4.CreateFragment(1, 1)
	require.NoError(tb, err)
	flags := mp4.SyncSampleFlags
	if !key {
		flags = mp4.SetNonSyncSampleFlags(0)
	}
	f.AddFullSample(mp4.FullSample{
		Sample:     mp4.NewSample(flags, duration, uint32(len(payload)), 0),
		DecodeTime: start, Data: []byte(payload),
	})
	var out bytes.Buffer
	require.NoError(tb, f.Encode(&out))
	return out.Bytes()
}

// pictures is video frames from a tick on, with a key frame first and one at
// each start of a segment.
func pictures(tb testing.TB, start uint64, n int) []byte {
	tb.Helper()
	out := make([]byte, 0, n*128)
	for i := range n {
		at := start + uint64(i)*frame
		out = append(out, fragment(tb, at, frame, i == 0 || at%segTicks == 0, "picture")...)
	}
	return out
}

// sounds is audio frames from a tick on.
func sounds(tb testing.TB, start uint64, n int) []byte {
	tb.Helper()
	out := make([]byte, 0, n*128)
	for i := range n {
		out = append(out, fragment(tb, start+uint64(i)*aac, aac, true, "sound")...)
	}
	return out
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// claim is a box header that claims a size.
func claim(size uint32, kind string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, size), kind...)
}
