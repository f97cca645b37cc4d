package cmaf

import (
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestBoxReader(t *testing.T) {
	large := append(claim(1, "mdat"), binary.BigEndian.AppendUint64(nil, 19)...)
	for _, c := range []struct {
		name  string
		bytes []byte
		kinds []string
		err   error
	}{
		{"nothing", nil, nil, io.EOF},
		{"known boxes", join(claim(8, "moof"), claim(9, "mdat"), []byte("x")), []string{"moof", "mdat"}, io.EOF},
		{"others are passed over", join(claim(12, "free"), []byte("1234"), claim(8, "sidx"), claim(8, "moof")), []string{"moof"}, io.EOF},
		{"size in 64 bits", join(large, []byte("abc")), []string{"mdat"}, io.EOF},
		{"ends in a header", []byte("\x00\x00\x00"), nil, io.ErrUnexpectedEOF},
		{"ends in a large header", claim(1, "mdat"), nil, io.ErrUnexpectedEOF},
		{"ends in a body", claim(9, "mdat"), nil, io.ErrUnexpectedEOF},
		{"size to the end of the file", claim(0, "mdat"), nil, ErrBox},
		{"size below the header", claim(7, "moof"), nil, ErrBox},
		{"large size below the header", append(claim(1, "mdat"), binary.BigEndian.AppendUint64(nil, 15)...), nil, ErrBox},
		{"moof over its limit", claim(maxMoof+1, "moof"), nil, ErrBox},
		{"mdat over its limit", claim(maxMdat+1, "mdat"), nil, ErrBox},
		{"mdat of an absurd size", append(claim(1, "mdat"), bytes.Repeat([]byte{0xff}, 8)...), nil, ErrBox},
	} {
		t.Run(c.name, func(t *testing.T) {
			br := boxReader{r: iotest.OneByteReader(bytes.NewReader(c.bytes))}
			var kinds []string
			for {
				b, err := br.next()
				if err != nil {
					require.ErrorIs(t, err, c.err)
					break
				}
				kinds = append(kinds, b.kind)
			}
			require.Equal(t, c.kinds, kinds)
		})
	}
}

// A box that claims 16 MB and brings 8 bytes costs no 16 MB.
func TestBoxReaderAllocatesWhatCame(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		br := boxReader{r: bytes.NewReader(append(claim(maxMdat, "mdat"), "12345678"...))}
		_, err := br.next()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// Whatever bytes come: no panic, no endless loop, and no sample that was not
// there.
func FuzzFragmentReader(f *testing.F) {
	for _, name := range []string{"360", "audio"} {
		f.Add(false, fixture(f, name)[:2000])
	}
	f.Add(true, fragment(f, sec100, frame, true, "x"))
	f.Add(true, join(pictures(f, sec100, 2), claim(0, "moof")))
	f.Add(false, join(claim(8, "moov"), claim(0, "moof")))
	good := header(f, "360")
	f.Fuzz(func(t *testing.T, headed bool, stream []byte) {
		if headed { // so that the fragments are reached
			stream = join(good, stream)
		}
		fr, err := newFragmentReader(bytes.NewReader(stream))
		if err != nil {
			return
		}
		var got int
		for {
			samples, err := fr.next()
			if err != nil {
				break
			}
			for _, s := range samples {
				require.Positive(t, s.duration)
				got += len(s.data)
			}
		}
		require.Less(t, got, len(stream))
	})
}
