package cmaf

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// anchored is a track whose clock starts at a fixed instant.
func anchored(name string, kind media.Kind) *Track {
	return newTrack(name, kind, Config{
		Clock:  sluice.Clock{Anchor: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)},
		Chunk:  6, // 200 ms
		Window: sluice.WindowDuration, Keep: DefaultKeep,
	})
}

// The boxes of every chunk, against the clauses of ISO/IEC 23000-19.
func TestChunkBoxes(t *testing.T) {
	for _, name := range []string{"360", "480", "audio"} {
		t.Run(name, func(t *testing.T) {
			kind := media.Video
			if name == "audio" {
				kind = media.Audio
			}
			track := anchored(name, kind)
			require.NoError(t, track.Consume(t.Context(), bytes.NewReader(fixture(t, name))))
			s := track.Snapshot()
			end, sequence := s.Segments[0].Start, uint32(0)
			for _, segment := range s.Segments {
				for i, c := range segment.Chunks {
					moof := checkChunk(t, s, c, i == 0)
					require.Equal(t, end, c.Start, "decode time is the sum of all durations before")
					require.Greater(t, moof.Mfhd.SequenceNumber, sequence, "sequence numbers rise")
					end, sequence = c.End(), moof.Mfhd.SequenceNumber
				}
				require.True(t, segment.Chunks[0].Independent, "every segment starts with a sync sample")
			}
		})
	}
}

func checkChunk(t *testing.T, s *TrackSnapshot, c Chunk, first bool) *mp4.MoofBox {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(c.Bytes))
	require.NoError(t, err)
	kinds := make([]string, 0, len(file.Children))
	var prft *mp4.PrftBox
	for _, b := range file.Children {
		kinds = append(kinds, b.Type())
		if p, ok := b.(*mp4.PrftBox); ok {
			prft = p
		}
	}
	want := "prft moof mdat"
	if first {
		want = "styp " + want
	}
	require.Equal(t, want, strings.Join(kinds, " "))

	fragment := file.Segments[0].Fragments[0]
	moof := fragment.Moof
	require.Len(t, moof.Trafs, 1)
	require.Len(t, moof.Traf.Truns, 1)
	require.EqualValues(t, 1, moof.Traf.Tfdt.Version)
	require.Equal(t, c.Start, moof.Traf.Tfdt.BaseMediaDecodeTime())
	require.EqualValues(t, 1, moof.Traf.Trun.Version)
	require.True(t, moof.Traf.Tfhd.DefaultBaseIfMoof())

	samples, err := fragment.GetFullSamples(s.Init.trex)
	require.NoError(t, err)
	var size int
	for _, sample := range samples {
		size += len(sample.Data)
	}
	require.Equal(t, len(fragment.Mdat.Data), size, "all bytes of mdat belong to samples")
	last := samples[len(samples)-1]
	require.Equal(t, c.End(), last.DecodeTime+uint64(last.Dur))
	require.Equal(t, c.Independent, samples[0].IsSync())

	require.Equal(t, c.Start, prft.MediaTime)
	wall := s.Clock.WallTime(s.Time(c.Start))
	require.WithinDuration(t, wall, prft.NTPTimestamp.Time(), time.Microsecond)
	return moof
}

func TestNTP(t *testing.T) {
	at := time.Date(2026, 2, 3, 10, 0, 0, 500_000_000, time.UTC)
	require.EqualValues(t, 1<<31, ntp(at).Fraction())
	require.Equal(t, at, ntp(at).Time())
}

func TestOpenChunkTruncate(t *testing.T) {
	filled := func() *openChunk {
		o := &openChunk{}
		for i := range uint64(3) {
			o.add(sample{start: 100 + 10*i, duration: 10, data: []byte("abc")})
		}
		return o
	}
	for _, c := range []struct {
		name    string
		at      uint64
		samples int
		end     uint64
	}{
		{"after all of it", 140, 3, 130},
		{"at its end", 130, 3, 130},
		{"at a sample", 120, 2, 120},
		{"inside a sample", 115, 2, 115},
		{"at its start", 100, 0, 100},
		{"before it", 50, 0, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := filled()
			o.truncate(c.at)
			require.Len(t, o.samples, c.samples)
			require.Len(t, o.payload, 3*c.samples)
			require.Equal(t, c.end, o.end)
		})
	}
}
