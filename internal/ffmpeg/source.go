package ffmpeg

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// Source describes a publisher without a browser: a file, or raw pictures on
// standard input with a tone beside them, encoded at the pace of real time as a
// browser would. Video comes out of the first output, as IVF or, for H.264, as
// Annex B with access unit delimiters; Opus out of the second, as Ogg with one
// packet a page.
type Source struct {
	File   string // empty: yuv420p of Width × Height and sluice.FrameRate on standard input
	Loop   bool   // begin the file again at its end
	Silent bool   // the file has no sound: send silence
	Width  int    // pixels; a file's picture is fitted into it
	Height int
	Codec  media.Codec
	// Bitrate of the video, in bits a second.
	Bitrate int
}

// SourceOutputs is the number of outputs of a Source.
const SourceOutputs = 2

// keyInterval is the distance of key frames in pictures. FFmpeg cannot make one
// when it is asked to, so they come often.
const keyInterval = sluice.FrameRate / 2

// Args is the argument list, without the program's name.
func (s Source) Args() []string {
	args := []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"}
	args = append(args, s.inputs()...)
	args = append(args,
		"-map", "0:v:0", "-vf", fmt.Sprintf("fps=%d,scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2,format=yuv420p",
			sluice.FrameRate, s.Width, s.Height))
	args = append(args, s.video()...)
	audio := "1:a:0"
	if s.File != "" && !s.Silent {
		audio = "0:a:0"
	}
	// A page of 1 µs is full with any packet. One of 20 ms takes two of them now and
	// then, where the file's times are rounded, as Matroska's are to milliseconds.
	return append(args, "-map", audio, "-c:a", "libopus", "-b:a", "64k", "-ar", "48000", "-ac", "2",
		"-frame_duration", "20", "-page_duration", "1", "-flush_packets", "1", "-f", "ogg", "pipe:"+strconv.Itoa(firstOutput+1))
}

func (s Source) inputs() []string {
	if s.File == "" {
		return []string{
			"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", s.Width, s.Height),
			"-r", strconv.Itoa(sluice.FrameRate), "-i", "pipe:0",
			"-re", "-f", "lavfi", "-i", "sine=frequency=440:beep_factor=2:sample_rate=48000,volume=0.5",
		}
	}
	var args []string
	if s.Loop {
		args = append(args, "-stream_loop", "-1")
	}
	args = append(args, "-re", "-i", s.File)
	if s.Silent {
		args = append(args, "-re", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo")
	}
	return args
}

func (s Source) video() []string {
	rate := strconv.Itoa(s.Bitrate)
	args := []string{"-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", strconv.Itoa(keyInterval), "-flush_packets", "1"}
	out := "pipe:" + strconv.Itoa(firstOutput)
	switch s.Codec {
	case media.H264:
		return append(args, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline",
			"-bsf:v", "h264_metadata=aud=insert", "-f", "h264", out)
	case media.VP9:
		return append(args, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-row-mt", "1", "-f", "ivf", out)
	default:
		return append(args, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "10", "-lag-in-frames", "0",
			"-error-resilient", "1", "-f", "ivf", out)
	}
}

// HasAudio asks whether a file has sound. program is FFmpeg's; ffprobe stands
// beside it.
func HasAudio(ctx context.Context, program, file string) (bool, error) {
	dir, _ := filepath.Split(program)
	out, err := run(ctx, dir+"ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=index", "-of", "csv=p=0", file)
	return strings.TrimSpace(string(out)) != "", err
}
