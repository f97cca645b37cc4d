// Package publish sends a file or a test picture to a stream, over the API that
// a browser would use.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/testpicture"
	"github.com/sluicelive/sluice/internal/webrtc"
	"github.com/sluicelive/sluice/internal/webrtc/mediafile"
)

// Config says what to publish, and where to.
type Config struct {
	Server  string         // scheme and host of the API
	Key     string         // application key
	Stream  string         // id or slug; empty: create one
	Name    string         // of a created stream
	Quality sluice.Quality // of a created stream; it also sets the size that is sent
	File    string         // empty: the test picture
	Loop    bool           // begin the file again at its end
	Codec   media.Codec    // of the video; VP8 when zero
	// Duration ends the broadcast; 0 goes on to the end of the file or of ctx.
	Duration time.Duration
	// Keep leaves the stream open at the end, as a closed browser tab does.
	Keep   bool
	FFmpeg string // program
	Log    *slog.Logger
	// Live is told once when the stream has started. Optional.
	Live func(Stream, Started)
}

const (
	// connectTimeout bounds the way to a connected publisher.
	connectTimeout = 15 * time.Second
	// endTimeout bounds the last call, which is made even after ctx has ended.
	endTimeout = 10 * time.Second
)

// errFinished ends a broadcast that has come to its end.
var errFinished = errors.New("finished")

// Run publishes until the file or the duration ends, or ctx does; none of these
// is an error.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Codec == 0 {
		cfg.Codec = media.VP8
	}
	c := client{base: cfg.Server, key: cfg.Key, http: http.DefaultClient}
	stream, err := prepare(ctx, c, cfg)
	if err != nil {
		return err
	}
	source, err := newSource(ctx, cfg, stream.Quality)
	if err != nil {
		return err
	}
	pub, err := connect(ctx, c, stream.ID, cfg)
	if err != nil {
		return err
	}
	defer pub.Close()
	cfg.Log.Info("connected", "stream", stream.ID, "codec", cfg.Codec)
	if cfg.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, cfg.Duration, errFinished)
		defer cancel()
	}
	err = broadcast(ctx, c, stream, source, pub, cfg)
	if cfg.Keep {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return errors.Join(err, c.call(last, http.MethodPost, path(stream.ID, "end"), struct{}{}, nil))
}

// prepare finds or creates the stream and prepares it.
func prepare(ctx context.Context, c client, cfg Config) (Stream, error) {
	var s Stream
	var err error
	if cfg.Stream != "" {
		err = c.call(ctx, http.MethodGet, "/streams/"+url.PathEscape(cfg.Stream), nil, &s)
	} else {
		err = c.call(ctx, http.MethodPost, "/streams/create", map[string]any{"name": cfg.Name, "quality": cfg.Quality}, &s)
	}
	if err != nil {
		return s, err
	}
	return s, c.call(ctx, http.MethodPost, path(s.ID, "prepare"), struct{}{}, nil)
}

// connect opens the WebRTC connection.
func connect(ctx context.Context, c client, id sluice.StreamID, cfg Config) (_ *webrtc.Publisher, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	pub, err := webrtc.NewPublisher(webrtc.PublisherConfig{Video: cfg.Codec, Audio: true, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			pub.Close()
		}
	}()
	offer, err := pub.Offer(ctx)
	if err != nil {
		return nil, err
	}
	var answer description
	body := map[string]any{"session_description": description{"offer", offer}}
	if err := c.call(ctx, http.MethodPost, path(id, "init"), body, &answer); err != nil {
		return nil, err
	}
	if err := pub.SetAnswer(answer.SDP); err != nil {
		return nil, err
	}
	select {
	case <-pub.Connected():
		return pub, nil
	case <-pub.Done():
		return nil, errors.New("the server's WebRTC port cannot be reached over UDP or TCP; check firewalls, and --webrtc-address of the server")
	case <-ctx.Done():
		return nil, fmt.Errorf("no WebRTC connection in %v; check firewalls, and --webrtc-address of the server", connectTimeout)
	}
}

// broadcast sends the source and starts the stream meanwhile.
func broadcast(ctx context.Context, c client, s Stream, src source, pub *webrtc.Publisher, cfg Config) error {
	proc, err := ffmpeg.Start(ctx, cfg.FFmpeg, src.spec.Args(), ffmpeg.SourceOutputs, cfg.Log)
	if err != nil {
		return err
	}
	defer proc.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return src.draw(ctx, proc.Stdin) })
	group.Go(func() error { return sendVideo(ctx, pub, proc.Outputs[0], src.spec.Codec) })
	group.Go(func() error { return sendAudio(ctx, pub, proc.Outputs[1]) })
	group.Go(func() error {
		exit := proc.Wait()
		if exit.Err != nil && ctx.Err() == nil {
			return fmt.Errorf("FFmpeg: %s", exit)
		}
		return errFinished
	})
	group.Go(func() error {
		select {
		case <-pub.Done():
			return errors.New("the server closed the connection")
		case <-ctx.Done():
			return errFinished
		}
	})
	group.Go(func() error {
		var at Started
		if err := c.call(ctx, http.MethodPost, path(s.ID, "start"), struct{}{}, &at); err != nil {
			return err
		}
		if cfg.Live != nil {
			cfg.Live(s, at)
		}
		return nil
	})
	err = group.Wait()
	if errors.Is(err, errFinished) || errors.Is(context.Cause(ctx), errFinished) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
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

func path(id sluice.StreamID, call string) string {
	return fmt.Sprintf("/streams/%d/%s", id, call)
}

// source is what FFmpeg is told, and what is drawn for it.
type source struct {
	spec    ffmpeg.Source
	picture *testpicture.Picture // nil for a file
}

func newSource(ctx context.Context, cfg Config, quality sluice.Quality) (source, error) {
	ladder, err := sluice.NewLadder(quality)
	if err != nil {
		return source{}, err
	}
	top := ladder.Top()
	s := source{spec: ffmpeg.Source{
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
