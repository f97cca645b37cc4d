package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/mkv"
)

const (
	// queueLength bounds the frames that wait for the encoder: over ten seconds
	// of pictures and sound, since a run that begins fills up to twelve seconds at
	// once. When it is full the encoder is too slow for this machine, and
	// pictures are dropped up to the next key frame.
	queueLength = 1024
	// queueBytes bounds their bytes: over ten seconds of 10 Mb/s. What waits costs
	// twice its size, since that is how far the heap grows between collections.
	queueBytes = 16 << 20
	// stopTimeout is how long a run may take to write out what it holds.
	stopTimeout = 3 * time.Second
)

// encoder is one run of FFmpeg for one stream: frames go in by the sink's
// methods, which never block; the presentation's tracks grow until run returns.
// Its process may wait for the first frame: it takes over a tenth of a second to
// get so far. Its sink methods and close belong to one goroutine.
type encoder struct {
	phase time.Duration // of the first picture in its segment
	codec media.Codec   // of the pictures that come in, set before the first
	kill  context.CancelFunc
	log   *slog.Logger
	ended chan error // what run returned

	queue   chan block
	waiting atomic.Int64 // bytes in queue
	closed  bool
	dropped atomic.Int64

	toldDropped int64         // of dropped, how many the log has
	toldAt      time.Duration // and since when, in media time
}

// end is where the run's result comes; that of no encoder never does.
func (e *encoder) end() <-chan error {
	if e == nil {
		return nil
	}
	return e.ended
}

// block is one frame on its way to the encoder.
type block struct {
	kind media.Kind
	t    time.Duration
	key  bool
	data []byte
}

func newEncoder(phase time.Duration, kill context.CancelFunc, log *slog.Logger) *encoder {
	return &encoder{phase: phase, kill: kill, log: log, ended: make(chan error, 1), queue: make(chan block, queueLength)}
}

// video implements sink.
func (e *encoder) video(t time.Duration, key bool, data []byte) bool {
	return e.put(block{media.Video, t, key, data})
}

// audio implements sink.
func (e *encoder) audio(t time.Duration, data []byte) {
	_ = e.put(block{media.Audio, t, true, data}) // a packet left out is a click, and counted
}

func (e *encoder) put(b block) bool {
	if e.closed {
		return true // nobody waits for it any more
	}
	size := int64(len(b.data))
	if e.waiting.Add(size) <= queueBytes {
		select {
		case e.queue <- b:
			return true
		default:
		}
	}
	e.waiting.Add(-size)
	e.dropped.Add(1)
	return false
}

// close ends the input; run returns when the encoder has written out the rest.
func (e *encoder) close() {
	if !e.closed {
		e.closed = true
		close(e.queue)
		time.AfterFunc(stopTimeout, e.kill)
	}
}

// logDropped logs the frames that were dropped, at most once a second.
func (e *encoder) logDropped(now time.Duration) {
	if n := e.dropped.Load(); n > e.toldDropped && now-e.toldAt >= time.Second {
		e.log.Warn("encoder is too slow, frames are dropped", "frames", n-e.toldDropped)
		e.toldDropped, e.toldAt = n, now
	}
}

// errEncoderEnded is the cause when FFmpeg ends though its input goes on.
var errEncoderEnded = errors.New("the encoder ended by itself")

// run starts FFmpeg and blocks until it, its writer and its readers have ended.
// It returns nil when the input was closed and everything was written out.
func (e *encoder) run(ctx context.Context, cfg *Config, ladder sluice.Ladder, p *cmaf.Presentation) error {
	spec := ffmpeg.Encode{Ladder: ladder, Phase: e.phase, Preset: cfg.Preset}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	proc, err := cfg.Confinement.Start(ctx, cfg.FFmpeg, spec.Args(), spec.Outputs(), e.log)
	if err != nil {
		return err
	}
	defer proc.Close()
	e.log.Info("encoder launched", "pid", proc.PID())

	group, ctx := errgroup.WithContext(ctx)
	for i, name := range trackNames(ladder) {
		group.Go(guarded(func() error { return consume(ctx, p, name, proc.Outputs[i]) }))
	}
	group.Go(guarded(func() error { return e.supervise(ctx, proc) }))
	err = group.Wait()
	return err
}

// supervise feeds the process and waits for its end.
func (e *encoder) supervise(ctx context.Context, proc *ffmpeg.Process) error {
	ctx, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	written := make(chan error, 1)
	go func() { written <- guarded(func() error { return e.write(ctx, proc.Stdin) })() }()
	select {
	case <-proc.Done(): // by itself, or killed with the context
		err := fmt.Errorf("%w: %s", errEncoderEnded, proc.Wait())
		_ = proc.Stdin.Close()
		stopWriting()
		if broken := <-written; broken != nil {
			e.log.Debug("the encoder's input ended with it", "err", broken)
		}
		return err
	case err := <-written:
		// A failed write is an effect; how the process ended is the cause.
		if exit := proc.Stop(); err != nil || exit.Err != nil {
			return fmt.Errorf("%w: %s", errEncoderEnded, exit)
		}
		return nil
	}
}

// write sends the queue to the encoder until the queue is closed.
func (e *encoder) write(ctx context.Context, stdin io.Writer) (err error) {
	var w *mkv.Writer
	for {
		select {
		case b, open := <-e.queue:
			if !open {
				return nil
			}
			e.waiting.Add(-int64(len(b.data)))
			if w == nil {
				if w, err = mkv.NewWriter(stdin, e.codec); err != nil {
					return err
				}
			}
			if err := writeBlock(w, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func writeBlock(w *mkv.Writer, b block) error {
	if b.kind == media.Audio {
		return w.WriteAudio(b.t, b.data)
	}
	return w.WriteVideo(b.t, b.key, b.data)
}

// consume reads one output to its end.
func consume(ctx context.Context, p *cmaf.Presentation, name string, r io.Reader) error {
	if err := p.Track(name).Consume(ctx, r); err != nil {
		return fmt.Errorf("rendition %s: %w", name, err)
	}
	return nil
}

// trackNames are the names of the encoder's outputs, in order.
func trackNames(ladder sluice.Ladder) []string {
	names := make([]string, 0, len(ladder)+1)
	for _, r := range ladder {
		names = append(names, r.Name)
	}
	return append(names, sluice.AudioName)
}
