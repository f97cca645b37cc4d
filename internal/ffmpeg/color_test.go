package ffmpeg

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/mkv"
)

// TestColors sends flat patches as browsers do and reads the pixels of each rung
// by what its tags say, as players do.
func TestColors(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]source{
		// libvpx has no field for a matrix but in VP9; browsers send BT.601.
		"VP8, BT.601":              {codec: media.VP8, matrix: "bt601"},
		"VP9, BT.601":              {codec: media.VP9, matrix: "bt601", tags: []string{"-colorspace", "smpte170m", "-color_range", "tv"}},
		"H.264, BT.601 untagged":   {codec: media.H264, matrix: "bt601"},
		"H.264, BT.709 tagged":     {codec: media.H264, matrix: "bt709", tags: []string{"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"}},
		"H.264, full range tagged": {codec: media.H264, matrix: "bt601", full: true, tags: []string{"-colorspace", "smpte170m", "-color_range", "pc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tolerance := 3.0
			if from.matrix == "bt709" {
				tolerance = 5 // converting exactly costs a fifth more of the scaling of every stream
			}
			for rung, seen := range throughTheEncoder(t, from.keyFrame(t), from.codec) {
				for i, want := range patches() {
					for channel, value := range want {
						require.InDelta(t, value, seen[i][channel], tolerance, "patch %v is %v at rung %d", want, seen[i], rung)
					}
				}
			}
		})
	}
}

// patches are red, green, blue, skin and gray, side by side in one frame.
func patches() [5][3]int {
	return [5][3]int{{220, 30, 30}, {30, 200, 40}, {30, 40, 210}, {224, 172, 140}, {128, 128, 128}}
}

// source is how a publisher encodes.
type source struct {
	codec  media.Codec
	matrix string
	full   bool // range
	tags   []string
}

// keyFrame is a frame of the patches.
func (s source) keyFrame(t *testing.T) []byte {
	t.Helper()
	span := "tv"
	if s.full {
		span = "pc"
	}
	args := []string{
		"-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "640x360", "-r", "30", "-i", patchFile(t), "-frames:v", "1",
		"-vf", "scale=out_color_matrix=" + s.matrix + ":out_range=" + span + ":flags=accurate_rnd+full_chroma_int,format=yuv420p", "-b:v", "4M",
	}
	frame, err := run(t.Context(), "ffmpeg", append(append(args, s.tags...), codedAs(s.codec)...)...)
	require.NoError(t, err)
	return frame
}

func patchFile(t *testing.T) string {
	t.Helper()
	const width, height = 640, 360
	sides := patches()
	line := make([]byte, 0, 3*width)
	for _, rgb := range sides {
		pixel := []byte{byte(rgb[0]), byte(rgb[1]), byte(rgb[2])}
		line = append(line, bytes.Repeat(pixel, width/len(sides))...)
	}
	file := filepath.Join(t.TempDir(), "patches.rgb")
	require.NoError(t, os.WriteFile(file, bytes.Repeat(line, height), 0o600))
	return file
}

// throughTheEncoder returns the color in the middle of each patch, for each rung.
func throughTheEncoder(t *testing.T, frame []byte, codec media.Codec) [][5][3]int {
	t.Helper()
	ladder, err := sluice.NewLadder("480")
	require.NoError(t, err)
	e := Encode{Ladder: ladder}
	p, err := Start(t.Context(), "ffmpeg", e.Args(), e.Outputs(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	outputs := drain(p)
	w, err := mkv.NewWriter(p.Stdin, codec)
	require.NoError(t, err)
	for at := time.Duration(0); at < 400*time.Millisecond; at += media.OpusSilenceDuration {
		require.NoError(t, w.WriteVideo(at, true, frame))
		require.NoError(t, w.WriteAudio(at, media.OpusSilence))
	}
	require.NoError(t, p.Stdin.Close())
	exit := p.Wait()
	require.NoError(t, exit.Err, exit.LastWords)
	seen := make([][5][3]int, 0, len(ladder))
	for i, r := range ladder {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.mp4", i))
		require.NoError(t, os.WriteFile(file, <-outputs[i], 0o600))
		pixels, err := run(t.Context(), "ffmpeg", "-loglevel", "error", "-i", file, "-frames:v", "1",
			"-vf", "scale=flags=accurate_rnd+full_chroma_int,format=rgb24", "-f", "rawvideo", "pipe:1")
		require.NoError(t, err)
		require.Len(t, pixels, r.Width*r.Height*3)
		var found [5][3]int
		for patch := range found {
			middle := (r.Height/2*r.Width + r.Width*(2*patch+1)/(2*len(found))) * 3
			found[patch] = [3]int{int(pixels[middle]), int(pixels[middle+1]), int(pixels[middle+2])}
		}
		seen = append(seen, found)
	}
	<-outputs[len(ladder)]
	p.Close()
	return seen
}
