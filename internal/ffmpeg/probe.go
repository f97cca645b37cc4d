package ffmpeg

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// Capabilities is what an installed FFmpeg says it can do.
type Capabilities struct {
	Version string
	Missing []string // encoders and decoders that Sluice needs and it lacks
}

// needed are the coders without which a stream cannot be encoded, by the flag
// that lists them.
var needed = map[string][]string{
	"-encoders": {"libx264", "aac"},
	"-decoders": {"vp8", "vp9", "h264", "opus", "libdav1d|av1"},
	"-muxers":   {"mp4"},
	"-demuxers": {"matroska,webm|matroska"},
	"-filters":  {"fps", "scale", "pad", "aresample"},
}

var versionLine = regexp.MustCompile(`^ffmpeg version (\S+)`)

// Probe asks program what it can do. It fails when the program cannot be run.
func Probe(ctx context.Context, program string) (Capabilities, error) {
	out, err := run(ctx, program, nil, "-hide_banner", "-version")
	if err != nil {
		return Capabilities{}, err
	}
	var c Capabilities
	if m := versionLine.FindSubmatch(out); m != nil {
		c.Version = string(m[1])
	}
	for flag, names := range needed {
		out, err := run(ctx, program, nil, "-hide_banner", flag)
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
func run(ctx context.Context, program string, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- argument list, no shell
	cmd.Stdin = bytes.NewReader(stdin)
	words := &lastWords{}
	cmd.Stderr = words
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
