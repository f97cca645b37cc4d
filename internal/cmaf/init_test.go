package cmaf

import (
	"bytes"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"

	"github.com/sluicelive/sluice/internal/media"
)

func TestInit(t *testing.T) {
	for _, c := range []struct {
		name    string
		want    Init
		profile string
	}{
		{"360", Init{Kind: media.Video, Codecs: "avc1.4d401e", Timescale: 90_000, Width: 640, Height: 360}, "cfhd"},
		{"480", Init{Kind: media.Video, Codecs: "avc1.64001f", Timescale: 90_000, Width: 854, Height: 480}, "cfhd"},
		{"audio", Init{Kind: media.Audio, Codecs: "mp4a.40.2", Timescale: 48_000, SampleRate: 48_000, Channels: 2}, "caac"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fr, err := newFragmentReader(bytes.NewReader(fixture(t, c.name)))
			require.NoError(t, err)
			got := *fr.init
			file, err := mp4.DecodeFile(bytes.NewReader(got.Bytes))
			require.NoError(t, err)
			got.Bytes, got.trackID, got.trex = nil, 0, nil
			require.Equal(t, c.want, got)

			// Brands say CMAF and the media profile: ISO/IEC 23000-19, 7.2.
			require.Equal(t, "cmfc", file.Init.Ftyp.MajorBrand())
			require.Subset(t, file.Init.Ftyp.CompatibleBrands(), []string{"cmfc", c.profile})
			// One track in a file: 7.3.2. No edit list: times are on the clock.
			require.Len(t, file.Init.Moov.Traks, 1)
			require.Nil(t, file.Init.Moov.Trak.Edts)
			if entry := file.Init.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX; entry != nil {
				require.Equal(t, "avc1", entry.Type(), "parameter sets in the header")
				require.NotNil(t, entry.Pasp)
				require.Contains(t, string(fr.init.Bytes), "colrnclx")
			}
		})
	}
}

func TestInitRefuses(t *testing.T) {
	good := header(t, "360")
	for name, bad := range map[string][]byte{
		"a fragment before the header": fragment(t, 0, frame, true, "x"),
		"an empty moov":                claim(8, "moov"),
		"parameter sets in band":       bytes.Replace(good, []byte("avc1"), []byte("avc3"), 1),
		"another codec":                bytes.Replace(good, []byte("avc1"), []byte("vp09"), 1),
		"no media header":              bytes.Replace(good, []byte("mdhd"), []byte("free"), 1),
		"no defaults":                  bytes.Replace(good, []byte("trex"), []byte("free"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newFragmentReader(bytes.NewReader(bad))
			require.ErrorIs(t, err, ErrBox)
		})
	}
}

func TestGrid(t *testing.T) {
	for timescale, ok := range map[uint32]bool{90_000: true, 48_000: true, 44_100: true, 0: false, 1: false, 12: false} {
		_, err := newGrid(timescale, sluice.DefaultChunkLength)
		require.Equal(t, ok, err == nil, timescale)
	}
	const year = 365 * 24 * 3600
	require.Equal(t, year*time.Second, ticksToDuration(year*90_000, 90_000), "no overflow")
	require.EqualValues(t, 21_333_333, ticksToDuration(1024, 48_000))
}
