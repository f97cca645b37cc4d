package ffmpeg

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// firstOutput is the descriptor of the first output pipe in the child: 0 to 2
// are the standard ones.
const firstOutput = 3

// VideoTimescale is the timescale of every video rendition, in ticks a second.
const VideoTimescale = 90_000

// AudioTimescale is the timescale and the sample rate of the audio rendition.
const AudioTimescale = 48_000

// Encode describes one run of the encoder: Matroska on standard input, with
// times on the stream clock, one video and one audio track; one fragmented MP4
// a rendition on pipes, video in the order of the ladder, then audio.
type Encode struct {
	Ladder sluice.Ladder
	// Phase is how far into its segment the first picture is, on the frame grid.
	// Key frames are forced where media time is a multiple of the segment
	// duration, and the encoder counts from its first picture.
	Phase time.Duration
	// Preset is x264's; empty means superfast.
	Preset string
}

// Outputs is the number of output pipes: the renditions and the audio.
func (e Encode) Outputs() int { return len(e.Ladder) + 1 }

// Args is the argument list of the run, without the program's name. It is a
// pure function of e.
func (e Encode) Args() []string {
	args := []string{
		"-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning",
		"-protocol_whitelist", "pipe",
		// nobuffer would throw the first key frame away; a small probe does not.
		"-probesize", "2048", "-analyzeduration", "0",
		"-copyts",
		// Frame threads would hold back one picture each.
		"-threads", "1", "-flags", "low_delay",
		// One key frame of 8192×8192 takes a core for seconds.
		"-max_pixels", strconv.Itoa(media.MaxPixels),
		// A graph that is rebuilt when the size changes loses the picture that
		// fps holds, and all its repetitions with it.
		"-reinit_filter", "0",
		// Scaling a picture in slices costs more in waking threads than it saves.
		"-filter_complex_threads", "1",
		"-f", "matroska", "-i", "pipe:0",
		"-filter_complex", e.filters(),
	}
	for i, r := range e.Ladder {
		args = append(args, "-map", "[v"+strconv.Itoa(i)+"]")
		args = append(args, e.video(r)...)
		args = append(args, output(firstOutput+i)...)
	}
	args = append(args, "-map", "[a]",
		"-c:a", "aac", "-b:a", strconv.Itoa(sluice.AudioBitrate), "-ac", "2", "-ar", strconv.Itoa(AudioTimescale))
	return append(args, output(firstOutput+len(e.Ladder))...)
}

// filters is the graph from what came in to what each rung encodes: constant
// frame rate first, once, then a fixed size for every rung, so that a browser
// that changes its resolution changes nothing downstream. Colors keep the matrix
// that browsers send, BT.601 whatever the size: converting each rung to another
// costs as much as scaling it. Bilinear, which averages when it shrinks, costs a
// quarter less of the whole encode than bicubic.
func (e Encode) filters() string {
	var g strings.Builder
	fmt.Fprintf(&g, "[0:v:0]fps=%d,split=%d", sluice.FrameRate, len(e.Ladder))
	for i := range e.Ladder {
		fmt.Fprintf(&g, "[s%d]", i)
	}
	for i, r := range e.Ladder {
		fmt.Fprintf(&g, ";[s%d]scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2:"+
			"out_color_matrix=bt601:out_range=tv:flags=bilinear,pad=%[2]d:%[3]d:-1:-1:eval=frame,setsar=1,format=yuv420p[v%[1]d]",
			i, r.Width, r.Height)
	}
	// async follows a publisher whose clock drifts, by up to 2 % of the rate.
	fmt.Fprintf(&g, ";[0:a:0]aresample=%d:async=1000[a]", AudioTimescale)
	return g.String()
}

// oneThread is the height up to which a rung is encoded on one thread, which a
// core does several times faster than real time. Pictures cut in slices for
// several threads cost a fifth more, and look worse at the same rate.
const oneThread = 720

// video is the encoder's part for one rung.
func (e Encode) video(r sluice.Rendition) []string {
	preset := e.Preset
	if preset == "" {
		preset = "superfast"
	}
	rate := strconv.Itoa(r.Bitrate)
	threads := "1"
	if r.Height > oneThread {
		threads = "0" // as many as x264 thinks right
	}
	return []string{
		"-c:v", "libx264", "-preset", preset, "-tune", "zerolatency",
		"-threads", threads, "-profile:v", r.Profile, "-level:v", r.Level,
		"-b:v", rate, "-maxrate", rate, "-bufsize", rate,
		"-bf", "0", "-sc_threshold", "0", "-g", strconv.Itoa(1 << 20),
		"-force_key_frames", e.keyFrames(),
		"-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "smpte170m", "-color_range", "tv",
		"-video_track_timescale", strconv.Itoa(VideoTimescale),
	}
}

// keyFrames is the expression that forces a key frame at the first picture and
// wherever a segment starts. The expression's t counts from the first picture,
// hence the phase; the thousandth absorbs the rounding of times near the grid.
func (e Encode) keyFrames() string {
	return fmt.Sprintf("expr:isnan(prev_forced_t)+gt(floor((t+%[1]s)/%[2]s+0.001),floor((prev_forced_t+%[1]s)/%[2]s+0.001))",
		seconds(e.Phase), seconds(sluice.SegmentDuration))
}

// output is the muxer's part: fragmented MP4, flushed frame by frame, with
// decode times on the stream clock and no edit list.
func output(fd int) []string {
	return []string{
		"-f", "mp4",
		"-movflags", "empty_moov+default_base_moof+frag_discont+frag_every_frame+cmaf+skip_trailer",
		"-use_editlist", "0", "-flush_packets", "1", "-map_metadata", "-1", "-fflags", "+bitexact",
		"pipe:" + strconv.Itoa(fd),
	}
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
