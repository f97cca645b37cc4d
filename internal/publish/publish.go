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
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc"
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
	// AsIs sends the frames of File as they are: IVF or, for H.264, Annex B with
	// access unit delimiters, at sluice.FrameRate. Sound is the Ogg Opus file of
	// the same name beside it, where there is one. No FFmpeg runs then.
	AsIs bool
	// FrameLog takes a line for each frame of a file sent as it is: its number in
	// the file, from 0, and when it was sent, in milliseconds since 1970. Optional.
	FrameLog io.Writer
	// Duration ends the broadcast; 0 goes on to the end of the file or of ctx.
	Duration time.Duration
	// Keep leaves the stream open at the end, as a closed browser tab does.
	Keep bool
	// TCPOnly sends over TCP alone, as behind a firewall that blocks UDP.
	TCPOnly bool
	FFmpeg  string // program
	Log     *slog.Logger
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
	source, err := newSender(ctx, cfg, stream.Quality)
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
	pub, err := webrtc.NewPublisher(webrtc.PublisherConfig{Video: cfg.Codec, Audio: true, TCPOnly: cfg.TCPOnly, Log: cfg.Log})
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

// A sender sends the media of one broadcast. It returns errFinished when that
// has come to its end, and whatever it likes after the end of ctx.
type sender interface {
	send(ctx context.Context, pub *webrtc.Publisher) error
}

func newSender(ctx context.Context, cfg Config, quality sluice.Quality) (sender, error) {
	if cfg.AsIs {
		return newClip(cfg)
	}
	return newSource(ctx, cfg, quality)
}

// broadcast sends the source and starts the stream meanwhile.
func broadcast(ctx context.Context, c client, s Stream, src sender, pub *webrtc.Publisher, cfg Config) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return src.send(ctx, pub) })
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
	err := group.Wait()
	if errors.Is(err, errFinished) || errors.Is(context.Cause(ctx), errFinished) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func path(id sluice.StreamID, call string) string {
	return fmt.Sprintf("/streams/%d/%s", id, call)
}
