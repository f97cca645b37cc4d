package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc"
	"github.com/sluicelive/sluice/internal/webrtc/mediafile"
)

// clip is a file that was encoded beforehand and is sent as it is, at the pace
// of real time: no encoder runs, so it costs next to nothing.
type clip struct {
	video string // path
	audio string // path; empty for no sound
	codec media.Codec
	loop  bool
	log   io.Writer // see Config.FrameLog; may be nil
}

// newClip finds the sound that goes with a file.
func newClip(cfg Config) (clip, error) {
	c := clip{video: cfg.File, codec: cfg.Codec, loop: cfg.Loop, log: cfg.FrameLog}
	audio := strings.TrimSuffix(cfg.File, filepath.Ext(cfg.File)) + ".ogg"
	switch _, err := os.Stat(audio); {
	case err == nil:
		c.audio = audio
	case !errors.Is(err, os.ErrNotExist):
		return clip{}, err
	}
	return c, nil
}

// track takes coded media; a publisher does.
type track interface {
	WriteVideo(frame []byte, at time.Duration) error
	WriteAudio(packet []byte, at time.Duration) error
}

// send implements sender.
func (c clip) send(ctx context.Context, pub *webrtc.Publisher) error {
	return c.play(ctx, pub)
}

// play sends the clip, again and again when it loops.
func (c clip) play(ctx context.Context, to track) error {
	turn := round{to: to, pace: pace{time.Now()}, log: c.log}
	for {
		if err := c.playOnce(ctx, &turn); err != nil {
			return err
		}
		if !c.loop {
			return errFinished
		}
	}
}

// playOnce sends the clip once and moves the round's start to its end. Sound
// that is longer than the picture is left out, and what it lacks stays silent,
// so that the two never drift apart.
func (c clip) playOnce(ctx context.Context, r *round) error {
	video, err := os.Open(c.video)
	if err != nil {
		return err
	}
	defer func() { _ = video.Close() }()
	frames, err := mediafile.NewVideo(video, c.codec)
	if err != nil {
		return err
	}
	if c.audio == "" {
		return r.play(ctx, frames, silence{})
	}
	audio, err := os.Open(c.audio)
	if err != nil {
		return err
	}
	defer func() { _ = audio.Close() }()
	packets, err := mediafile.NewOpus(audio)
	if err != nil {
		return err
	}
	return r.play(ctx, frames, packets)
}

// silence is the sound of a clip that has none.
type silence struct{}

// Next implements mediafile.Frames.
func (silence) Next() ([]byte, error) { return nil, io.EOF }

// round is one turn of a clip.
type round struct {
	to    track
	pace  pace
	start time.Duration // media time of its first frame
	log   io.Writer
}

// play sends each frame, and before it the sound up to it.
func (r *round) play(ctx context.Context, frames, packets mediafile.Frames) error {
	heard := r.start
	for n := 0; ; n++ {
		frame, err := frames.Next()
		due := r.start + time.Duration(n)*time.Second/sluice.FrameRate
		if errors.Is(err, io.EOF) && n > 0 {
			r.start = due
			return nil
		}
		if err != nil {
			return fmt.Errorf("frame %d: %w", n, err)
		}
		if heard, err = r.sound(ctx, packets, heard, due); err != nil {
			return err
		}
		if err := r.picture(ctx, frame, n, due); err != nil {
			return err
		}
	}
}

// sound sends the packets from one media time to another, and returns the time
// of the next one.
func (r *round) sound(ctx context.Context, packets mediafile.Frames, from, to time.Duration) (time.Duration, error) {
	for from < to {
		packet, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return from, fmt.Errorf("sound: %w", err)
		}
		if err := r.pace.wait(ctx, from); err != nil {
			return from, err
		}
		if err := r.to.WriteAudio(packet, from); err != nil {
			return from, err
		}
		from += media.OpusDuration(packet)
	}
	return from, nil
}

// picture sends frame n and notes when.
func (r *round) picture(ctx context.Context, frame []byte, n int, due time.Duration) error {
	if err := r.pace.wait(ctx, due); err != nil {
		return err
	}
	sent := time.Now()
	if err := r.to.WriteVideo(frame, due); err != nil {
		return err
	}
	if r.log == nil {
		return nil
	}
	_, err := fmt.Fprintf(r.log, "%d %d\n", n, sent.UnixMilli())
	return err
}

// pace is the pace of real time.
type pace struct{ begun time.Time }

// wait waits for the instant of a media time.
func (p pace) wait(ctx context.Context, at time.Duration) error {
	timer := time.NewTimer(time.Until(p.begun.Add(at)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
