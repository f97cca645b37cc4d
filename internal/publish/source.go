package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/testpicture"
	"github.com/sluicelive/sluice/internal/webrtc"
	"github.com/sluicelive/sluice/internal/webrtc/mediafile"
)

// source is what FFmpeg is told to encode, and what is drawn for it.
type source struct {
	program string
	spec    ffmpeg.Source
	picture *testpicture.Picture // nil for a file
	log     *slog.Logger
}

func newSource(ctx context.Context, cfg Config, quality sluice.Quality) (source, error) {
	ladder, err := sluice.NewLadder(quality)
	if err != nil {
		return source{}, err
	}
	top := ladder.Top()
	s := source{program: cfg.FFmpeg, log: cfg.Log, spec: ffmpeg.Source{
		File: cfg.File, Loop: cfg.Loop, Codec: cfg.Codec,
		Width: top.Width, Height: top.Height, Bitrate: top.Bitrate,
	}}
	if cfg.File == "" {
		s.picture, err = testpicture.New(top.Width, top.Height)
		return s, err
	}
	sound, err := ffmpeg.HasAudio(ctx, cfg.FFmpeg, cfg.File)
	s.spec.Silent = !sound
	return s, err
}

// send implements sender: it encodes, and sends what comes out.
func (s source) send(ctx context.Context, pub *webrtc.Publisher) error {
	proc, err := ffmpeg.Start(ctx, s.program, s.spec.Args(), ffmpeg.SourceOutputs, s.log)
	if err != nil {
		return err
	}
	defer proc.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.draw(ctx, proc.Stdin) })
	group.Go(func() error { return sendVideo(ctx, pub, proc.Outputs[0], s.spec.Codec) })
	group.Go(func() error { return sendAudio(ctx, pub, proc.Outputs[1]) })
	group.Go(func() error {
		exit := proc.Wait()
		if exit.Err != nil && ctx.Err() == nil {
			return fmt.Errorf("FFmpeg: %s", exit)
		}
		return errFinished
	})
	return group.Wait()
}

// draw writes the test picture at the frame rate; a file needs no pictures.
func (s source) draw(ctx context.Context, w io.WriteCloser) error {
	if s.picture == nil {
		return nil
	}
	defer func() { _ = w.Close() }()
	frame := make([]byte, s.spec.Width*s.spec.Height*3/2)
	ticker := time.NewTicker(time.Second / sluice.FrameRate)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			s.picture.Draw(frame, now)
			if _, err := w.Write(frame); err != nil {
				return ended(ctx, fmt.Errorf("%w: %w", io.EOF, err))
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// sendVideo sends pictures as they come, with the times that a constant frame
// rate gives them.
func sendVideo(ctx context.Context, pub *webrtc.Publisher, r io.Reader, codec media.Codec) error {
	frames, err := mediafile.NewVideo(r, codec)
	if err != nil {
		return ended(ctx, err)
	}
	for n := 0; ; n++ {
		frame, err := frames.Next()
		if err != nil {
			return ended(ctx, err)
		}
		if err := pub.WriteVideo(frame, time.Duration(n)*time.Second/sluice.FrameRate); err != nil {
			return ended(ctx, err)
		}
	}
}

// sendAudio sends packets as they come, one after the other in time.
func sendAudio(ctx context.Context, pub *webrtc.Publisher, r io.Reader) error {
	packets, err := mediafile.NewOpus(r)
	if err != nil {
		return ended(ctx, err)
	}
	for at := time.Duration(0); ; {
		packet, err := packets.Next()
		if err != nil {
			return ended(ctx, err)
		}
		if err := pub.WriteAudio(packet, at); err != nil {
			return ended(ctx, err)
		}
		at += media.OpusDuration(packet)
	}
}

// ended takes the end of a pipe, and whatever follows the end of ctx, as the
// end of the broadcast; FFmpeg's exit status says whether it was a good one.
func ended(ctx context.Context, err error) error {
	good := ctx.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if !good {
		return err
	}
	return nil
}
