package cmaf

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// feed reads one run of a track.
func feed(t *testing.T, track *Track, parts ...[]byte) error {
	t.Helper()
	name := "360"
	if track.kind == media.Audio {
		name = "audio"
	}
	return track.Consume(t.Context(), bytes.NewReader(join(append([][]byte{header(t, name)}, parts...)...)))
}

// layout writes a video track down: each segment's number, and its chunks as
// start+length in frames, with ! before those that are independent.
func layout(s *TrackSnapshot) string {
	lines := make([]string, 0, len(s.Segments))
	for _, segment := range s.Segments {
		line := fmt.Sprint(segment.Number)
		if !segment.Complete {
			line += " open"
		}
		for _, c := range segment.Chunks {
			mark := ""
			if c.Independent {
				mark = "!"
			}
			line += fmt.Sprintf(" %s%d+%d", mark, c.Start%segTicks/frame, c.Duration/frame)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

const wholeSegment = " !0+6 6+6 12+6 18+6 24+6 30+6 36+6 42+6 48+6 54+6"

func TestVideoIsCutOnTheGrid(t *testing.T) {
	for _, c := range []struct {
		name string
		runs [][]byte
		want string
	}{
		{"a chunk is out with its last frame", [][]byte{pictures(t, sec100, 6)}, "50 open !0+6"},
		{"and not before", [][]byte{pictures(t, sec100, 5)}, ""},
		{"a segment is complete with its last frame", [][]byte{pictures(t, sec100, 60)}, "50" + wholeSegment},
		{"the first segment starts where the run does", [][]byte{pictures(t, sec100+50*frame, 16)}, "50 !50+4 54+6; 51 open !0+6"},
		{"what comes before the first key frame is passed over", [][]byte{
			join(fragment(t, sec100, frame, false, "x"), pictures(t, sec100+frame, 5)),
		}, "50 open !1+5"},
		{"a new run goes on where the last one ended", [][]byte{pictures(t, sec100, 12), pictures(t, sec100+12*frame, 12)}, "50 open !0+6 6+6 !12+6 18+6"},
		{"a new run takes the place of what was not out", [][]byte{pictures(t, sec100, 10), pictures(t, sec100+8*frame, 10)}, "50 open !0+6 6+6 12+6"},
		{"what is out already is passed over, up to the next key frame", [][]byte{
			pictures(t, sec100, 54), pictures(t, sec100+50*frame, 16),
		}, "50 !0+6 6+6 12+6 18+6 24+6 30+6 36+6 42+6 48+6; 51 open !0+6"},
		{"missing frames inside a chunk lengthen the one before", [][]byte{
			join(pictures(t, sec100, 2), fragment(t, sec100+4*frame, 2*frame, false, "x")),
		}, "50 open !0+6"},
		{"the last picture stands up to the end of its chunk when those after it are missing", [][]byte{
			join(pictures(t, sec100, 3), fragment(t, sec100+8*frame, 4*frame, false, "x")),
		}, "50 open !0+6 8+4"},
		{"a segment whose end is missing is short", [][]byte{
			join(pictures(t, sec100, 12), pictures(t, sec100+segTicks, 6)),
		}, "50 !0+6 6+6; 51 open !0+6"},
		{"numbers without media are kept as holes", [][]byte{
			pictures(t, sec100, 60), pictures(t, sec100+3*segTicks+30*frame, 6),
		}, "50" + wholeSegment + "; 51; 52; 53 open !30+6"},
		{"an overlap by rounding shortens the frame", [][]byte{
			join(pictures(t, sec100, 5), fragment(t, sec100+5*frame-2, frame+2, false, "x")),
		}, "50 open !0+6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			track := anchored("360", media.Video)
			for _, run := range c.runs {
				require.NoError(t, feed(t, track, run))
			}
			require.Equal(t, c.want, layout(track.Snapshot()))
		})
	}
}

// An audio chunk starts with the first frame at or after the boundary.
func TestAudioIsCutAfterTheGrid(t *testing.T) {
	track := anchored("audio", media.Audio)
	const start = 50*segAudio - 2*aac // as after priming
	require.NoError(t, feed(t, track, sounds(t, start, 2*94+2)))
	s := track.Snapshot()
	require.Equal(t, []uint64{49, 50, 51}, []uint64{s.Segments[0].Number, s.Segments[1].Number, s.Segments[2].Number})
	require.EqualValues(t, 50*segAudio, s.Segments[1].Start)
	require.EqualValues(t, 94*aac, s.Segments[1].Duration)
	require.EqualValues(t, 50*segAudio+94*aac, s.Segments[2].Start, "the first frame after the boundary")
	for _, segment := range s.Segments[1:] {
		for _, c := range segment.Chunks[:len(segment.Chunks)-1] {
			require.Contains(t, []uint64{9 * aac, 10 * aac}, c.Duration)
			require.Less(t, c.Start%9600, uint64(aac))
		}
	}
}

// A player stops at a part that is longer than the part target, however sound
// comes out of the encoder. Holes are those seen where filled silence ends.
func TestSoundWithHolesKeepsTheLongestChunk(t *testing.T) {
	const start = 50 * segAudio
	for _, c := range []struct {
		name   string
		hole   uint64 // ticks
		before int    // frames before it
		heard  bool   // the rest of its chunk's place stays empty
	}{
		{"none", 0, 12, false},
		{"of a few samples", 79, 12, false},
		{"at the end of a chunk", 791, 10, false},
		{"of a frame and a half", 1536, 13, false},
		{"too large to be made good", 3 * aac, 11, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			track := anchored("audio", media.Audio)
			end := uint64(start + c.before*aac)
			longer := fragment(t, end-aac, uint32(aac+c.hole), true, "sound") // as FFmpeg writes the frame before a hole
			require.NoError(t, feed(t, track, join(sounds(t, start, c.before-1), longer, sounds(t, end+c.hole, 94))))
			var chunks []Chunk
			for _, s := range track.Snapshot().Segments {
				chunks = append(chunks, s.Chunks...)
			}
			longest := LongestChunk(media.Audio, 6)
			var gaps uint64
			for i, chunk := range chunks {
				require.LessOrEqual(t, track.Snapshot().Time(chunk.Duration), longest, "chunk %d", i)
				if i > 0 {
					require.Greater(t, track.window.grid.index(chunk.Start), track.window.grid.index(chunks[i-1].Start), "one to each place")
					gaps += chunk.Start - chunks[i-1].End()
				}
				if chunk.Start > start {
					require.Less(t, chunk.Start%9600, uint64(aac), "less than a frame after the boundary")
				}
			}
			require.Equal(t, c.heard, gaps > 0, "else each chunk starts where the one before it ended")
			require.Zero(t, (chunks[len(chunks)-1].End()-end-c.hole)%aac, "in step again")
		})
	}
}

func TestRunsThatFail(t *testing.T) {
	key := fragment(t, sec100, frame, true, "x")
	for _, c := range []struct {
		name string
		run  []byte
		want error
	}{
		{"a segment without a key frame", join(pictures(t, sec100, 60), fragment(t, sec100+segTicks, frame, false, "x")), ErrKeyFrame},
		{"a key frame inside a segment", join(pictures(t, sec100, 7), fragment(t, sec100+7*frame, frame, true, "x")), ErrKeyFrame},
		{"time goes back", join(pictures(t, sec100, 8), fragment(t, sec100, frame, false, "x")), ErrTime},
		{"time stands still", join(key, fragment(t, sec100, frame, false, "x")), ErrTime},
		{"time beyond what players can count", fragment(t, maxTicks+1, frame, true, "x"), ErrBox},
		{"cut off in a box", key[:len(key)-1], io.ErrUnexpectedEOF},
		{"cut off between moof and mdat", key[:len(key)-9], io.ErrUnexpectedEOF},
		{"a second header", header(t, "360"), ErrBox},
		{"two fragments of boxes", join(key[:len(key)-9], key), ErrBox},
		{"a sample larger than mdat", bytes.Replace(key, []byte("\x00\x00\x0b\xb8\x00\x00\x00\x01"), []byte("\x00\x00\x0b\xb8\x00\x00\x00\x02"), 1), ErrBox},
		{"no decode time", bytes.Replace(key, []byte("tfdt"), []byte("free"), 1), ErrBox},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := feed(t, anchored("360", media.Video), c.run)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, "track 360")
		})
	}
	t.Run("another header than the first run's", func(t *testing.T) {
		track := anchored("360", media.Video)
		require.NoError(t, feed(t, track, key))
		err := track.Consume(t.Context(), bytes.NewReader(fixture(t, "480")))
		require.ErrorIs(t, err, ErrInitChanged)
	})
	t.Run("sound where pictures belong", func(t *testing.T) {
		err := anchored("360", media.Video).Consume(t.Context(), bytes.NewReader(fixture(t, "audio")))
		require.ErrorIs(t, err, ErrBox)
	})
	t.Run("after the end", func(t *testing.T) {
		track := anchored("360", media.Video)
		require.NoError(t, track.End())
		require.ErrorIs(t, feed(t, track, key), ErrTrackEnded)
	})
	t.Run("nothing at all is no failure", func(t *testing.T) {
		require.NoError(t, anchored("360", media.Video).Consume(t.Context(), strings.NewReader("")))
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := anchored("360", media.Video).Consume(ctx, bytes.NewReader(fixture(t, "360")))
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestEnd(t *testing.T) {
	track := anchored("360", media.Video)
	require.NoError(t, feed(t, track, pictures(t, sec100, 9)))
	before := track.Snapshot()
	require.NoError(t, track.End())
	<-before.Changed()
	after := track.Snapshot()
	require.Equal(t, "50 !0+6 6+3", layout(after))
	require.True(t, after.Ended)
	require.NoError(t, track.End())
	require.Same(t, after, track.Snapshot())
}

func TestWindowIsBounded(t *testing.T) {
	track := anchored("360", media.Video)
	const segments = 50
	require.NoError(t, feed(t, track, pictures(t, sec100, segments*60+6)))
	s := track.Snapshot()
	require.Len(t, s.Window(), 30, "advertised")
	require.Len(t, s.Complete(), 36, "and kept for those who still ask")
	require.EqualValues(t, 50+segments, s.Last().Number)
	first, ok := s.First()
	require.True(t, ok)
	require.EqualValues(t, 50, first, "ever")
	require.Nil(t, s.Segment(50))
	require.Nil(t, s.Segment(50+segments+1))
	require.EqualValues(t, 60, s.Segment(s.Segments[0].Number).Duration/frame)

	t.Run("by a hole of hours too", func(t *testing.T) {
		require.NoError(t, feed(t, track, pictures(t, sec100+5000*segTicks, 6)))
		s := track.Snapshot()
		require.Len(t, s.Complete(), 36)
		require.True(t, s.Segments[0].Missing())
		require.EqualValues(t, 5050, s.Last().Number)
	})
}

// A snapshot that a reader holds never changes, whatever comes after it.
func TestSnapshotsAreImmutable(t *testing.T) {
	track := anchored("360", media.Video)
	run := pictures(t, sec100, 200)
	r, w := io.Pipe()
	done := make(chan error)
	go func() { done <- track.Consume(t.Context(), r) }()
	_, err := w.Write(join(header(t, "360"), run[:len(run)/2]))
	require.NoError(t, err)
	held := track.Snapshot()
	was := layout(held)
	_, err = w.Write(run[len(run)/2:])
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, <-done)
	require.Equal(t, was, layout(held))
	require.NotEqual(t, was, layout(track.Snapshot()))
}

func TestBitrates(t *testing.T) {
	track := anchored("360", media.Video)
	require.NoError(t, feed(t, track, pictures(t, sec100+54*frame, 6+60)))
	s := track.Snapshot()
	require.Equal(t, s.Segments[1].Size*8/2, s.Peak, "a stump of 200 ms says nothing")
	require.Equal(t, int(float64(s.Segments[0].Size+s.Segments[1].Size)*8/2.2), s.Average)
}

// What is rendered from complete segments is shared by snapshots as long as those
// are the same, and no longer.
func TestSettled(t *testing.T) {
	track := shelving()
	var at uint64
	snapshot := func(frames int) *TrackSnapshot {
		require.NoError(t, feed(t, track, pictures(t, sec100+at*frame, frames)))
		at += uint64(frames)
		return track.Snapshot()
	}
	first := snapshot(60)
	for range 9 {
		require.Same(t, first.Settled, snapshot(6).Settled)
	}
	complete := snapshot(6)
	require.NotSame(t, first.Settled, complete.Settled, "one more")
	for range 36 { // up to what memory holds
		complete = snapshot(60)
	}
	lost := snapshot(54)
	require.NotSame(t, complete.Settled, lost.Settled, "the segment that left memory is a hole now")
	complete = snapshot(6)
	track.NoteShelved(complete.Segments[0].Number)
	require.Same(t, complete.Settled, snapshot(6).Settled, "the next one is on the shelf")
	require.NoError(t, track.End())
	ended := track.Snapshot()
	track.Unload()
	require.NotSame(t, ended.Settled, track.Snapshot().Settled)
}
