package ffmpeg

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// Capabilities is what an installed FFmpeg says it can do.
type Capabilities struct {
	Version string
	Missing []string // encoders and decoders that Sluice needs and it lacks
}

// needed is what a stream cannot be encoded without, by the flag that lists it.
func needed() map[string][]string {
	return map[string][]string{
		"-encoders": {"libx264", "aac"},
		"-decoders": {"vp8", "vp9", "h264", "opus", "libdav1d|av1"},
		"-muxers":   {"mp4"},
		"-demuxers": {"matroska,webm|matroska"},
		"-filters":  {"fps", "scale", "pad", "aresample"},
	}
}

// Probe asks program what it can do. It fails when the program cannot be run.
func Probe(ctx context.Context, program string) (Capabilities, error) {
	out, err := run(ctx, program, "-hide_banner", "-version")
	if err != nil {
		return Capabilities{}, err
	}
	var c Capabilities
	if words := strings.Fields(string(out)); len(words) > 2 {
		c.Version = words[2] // "ffmpeg version 5.1.9 …"
	}
	for flag, names := range needed() {
		out, err := run(ctx, program, "-hide_banner", flag)
		if err != nil {
			return Capabilities{}, err
		}
		c.Missing = append(c.Missing, missing(string(out), names)...)
	}
	return c, nil
}

// missing returns the names that are no word of a listing; a name may have
// alternatives, set apart by |.
func missing(listing string, names []string) []string {
	have := map[string]bool{}
	for _, line := range strings.Split(listing, "\n") {
		if fields := strings.Fields(line); len(fields) > 1 {
			have[fields[1]] = true
		}
	}
	var lacking []string
	for _, name := range names {
		found := false
		for _, alternative := range strings.Split(name, "|") {
			found = found || have[alternative]
		}
		if !found {
			lacking = append(lacking, name)
		}
	}
	return lacking
}

// run runs a short command to its end and returns what it wrote to standard
// output. An error carries the end of its standard error.
func run(ctx context.Context, program string, args ...string) ([]byte, error) {
	return Confinement{}.run(ctx, program, args...)
}

func (c Confinement) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	return c.runWith(ctx, nil, program, args...)
}

// runWith gives the command something to read.
func (c Confinement) runWith(ctx context.Context, stdin io.Reader, program string, args ...string) ([]byte, error) {
	// The death signal comes when the thread ends that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := c.command(ctx, program, args)
	cmd.Env = environment(cmd)
	words := &lastWords{}
	cmd.Stdin, cmd.Stderr = stdin, words
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %s: %w", strings.Join(args, " "), &exitError{Exit{Err: err, LastWords: words.String()}})
	}
	return out, nil
}

// exitError is an Exit as an error.
type exitError struct{ exit Exit }

func (e *exitError) Error() string { return e.exit.String() }
func (e *exitError) Unwrap() error { return e.exit.Err }
