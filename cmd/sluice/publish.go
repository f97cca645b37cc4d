package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/publish"
)

type publishCmd struct {
	File string `arg:"" optional:"" help:"File to publish; without one, a test picture with a clock." type:"existingfile"`

	Server   string        `help:"Address of the server." default:"http://localhost:8080" env:"SLUICE_SERVER"`
	Key      string        `help:"Application key." required:"" env:"SLUICE_KEY"`
	Stream   string        `help:"Id or slug of the stream to publish to; without one, a new stream."`
	Name     string        `help:"Name of the new stream." default:"Published from the command line"`
	Quality  string        `help:"Height of the new stream's top rendition: 360, 480, 720 or 1080." default:"720"`
	Codec    string        `help:"Codec of the video: vp8, vp9 or h264." enum:"vp8,vp9,h264" default:"vp8"`
	Duration time.Duration `help:"End after this time; 0 goes on to the end of the file, or until it is interrupted."`
	Loop     bool          `help:"Begin the file again at its end."`
	AsIs     bool          `help:"Send FILE as it is, without FFmpeg: IVF, or H.264 in Annex B with access unit delimiters, of 30 frames a second; sound is the Ogg Opus file of the same name beside it."`
	FrameLog string        `help:"With --as-is: write the number of each frame in the file, and when it was sent in milliseconds since 1970, to this file." placeholder:"FILE" type:"path"`
	Keep     bool          `help:"Leave the stream open at the end, as a closed browser tab does."`
	TCP      bool          `name:"tcp" help:"Send over TCP only, as behind a firewall that blocks UDP."`
	FFmpeg   string        `name:"ffmpeg" help:"FFmpeg program." default:"ffmpeg" env:"SLUICE_FFMPEG"`
}

// Validate checks what flags alone can tell.
func (c publishCmd) Validate() error {
	if c.AsIs && c.File == "" {
		return errors.New("--as-is sends a file; name it")
	}
	if c.FrameLog != "" && !c.AsIs {
		return errors.New("--frame-log needs --as-is: frames that are encoded here have no number in the file")
	}
	return nil
}

// Run publishes until the file, the time or the patience of the user ends.
func (c publishCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	frameLog, err := c.openFrameLog()
	if err != nil {
		return err
	}
	defer shut(log, "frame log", frameLog)
	codecs := map[string]media.Codec{"vp8": media.VP8, "vp9": media.VP9, "h264": media.H264}
	return publish.Run(ctx, publish.Config{
		Server: c.Server, Key: c.Key,
		Stream: c.Stream, Name: c.Name, Quality: sluice.Quality(c.Quality),
		File: c.File, AsIs: c.AsIs, FrameLog: frameLog, Loop: c.Loop, Codec: codecs[c.Codec], Duration: c.Duration, Keep: c.Keep, TCPOnly: c.TCP,
		FFmpeg: c.FFmpeg, Log: log,
		Live: func(s publish.Stream, at publish.Started) {
			out.printf("stream %d is live\n  watch  %s/watch/%d\n  HLS    %s\n  DASH   %s\n", s.ID, c.Server, s.ID, at.HLS, at.DASH)
		},
	})
}

// openFrameLog opens the frame log, which without a name leads nowhere.
func (c publishCmd) openFrameLog() (io.WriteCloser, error) {
	name := c.FrameLog
	if name == "" {
		name = os.DevNull
	}
	return os.Create(name) //nolint:gosec // where the user wants it
}
