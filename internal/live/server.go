// Package live runs the streams of this server: for each, the publisher's
// session, the feed that keeps its media continuous, the encoder and the
// presentation that viewers read.
package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/broadcast"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dvr"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// Config says what a Server works with. Zero durations mean the defaults.
type Config struct {
	Store  sluice.Store
	Ingest *webrtc.Server
	Bus    *bus.Bus
	FFmpeg string // program; "ffmpeg" when empty
	// Confinement is what FFmpeg is kept in; in nothing when zero.
	Confinement ffmpeg.Confinement
	Preset      string // of x264; "superfast" when empty
	// Chunk is the length of chunks. Default sluice.DefaultChunkLength.
	Chunk sluice.ChunkLength
	// Window is how far back viewers can go. Default sluice.WindowDuration.
	Window time.Duration
	// DVR is where segments go that memory does not hold. Optional: without it,
	// memory holds the whole window.
	DVR *dvr.Store
	// ReconnectWindow is how long a live stream waits for a publisher that went
	// away; not at all when zero.
	ReconnectWindow time.Duration
	// PrepareTimeout is how long a prepared stream waits for one; 5 min when zero.
	PrepareTimeout time.Duration
	// StartTimeout is how long start waits for media; 15 s when zero.
	StartTimeout time.Duration
	// MaxPrepared bounds how many streams of an account are prepared and not live,
	// and MaxStreams how many are in memory: prepared, live, or ended and still kept.
	// There is no bound when zero.
	MaxPrepared, MaxStreams int
	Now                     func() time.Time // time.Now when nil
	Log                     *slog.Logger
}

func (c *Config) setDefaults() {
	if c.FFmpeg == "" {
		c.FFmpeg = "ffmpeg"
	}
	if c.PrepareTimeout == 0 {
		c.PrepareTimeout = 5 * time.Minute
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 15 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Window == 0 {
		c.Window = sluice.WindowDuration
	}
}

// Server owns the running streams. Its life: New → Recover → requests → Close.
type Server struct {
	cfg Config
	now func() time.Time
	log *slog.Logger

	ctx  context.Context //nolint:containedctx // the life of the streams, which outlive the requests that begin them
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	streams map[sluice.StreamID]*stream // running, or ended with their window still held
}

// New returns a Server without streams.
func New(cfg Config) *Server {
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	return &Server{
		cfg:     cfg,
		now:     cfg.Now,
		log:     cfg.Log,
		ctx:     ctx,
		stop:    stop,
		streams: map[sluice.StreamID]*stream{},
	}
}

// Recover closes the streams that an earlier process left open when it was
// killed: as of their last recorded media, so that nobody is billed for the time
// in which nothing ran.
func (s *Server) Recover(ctx context.Context) error {
	open, err := s.cfg.Store.AllOpenStreams(ctx)
	if err != nil {
		return err
	}
	for _, st := range open {
		at := *st.Broadcast.PreparedAt
		for _, later := range []*time.Time{st.Broadcast.StartedAt, st.Broadcast.LastMediaAt} {
			if later != nil {
				at = *later
			}
		}
		if err := s.close(ctx, st.AccountID, st.ID, ending{cause: sluice.EndRecovered, at: at}); err != nil {
			return err
		}
		s.log.Info("closed a stream that was open when the server ended", "stream", st.ID, "end", at)
	}
	return nil
}

// Close ends all streams as a shutdown and waits for their encoders. It is
// idempotent.
func (s *Server) Close() {
	s.mu.Lock()
	s.stop() // under the lock: no stream begins after it
	s.mu.Unlock()
	s.wg.Wait()
}

// Presentation is the media of a stream that was started: while it runs, and
// after its end as long as its window is held. It fails with stream_gone after
// that, and with sluice.ErrStreamNotFound before the start.
func (s *Server) Presentation(ctx context.Context, id sluice.StreamID) (*cmaf.Presentation, error) {
	if st := s.running(id); st != nil && st.started.Load() {
		if st.isRemoved() {
			return nil, errRemoved(id)
		}
		return st.presentation, nil
	}
	st, err := s.cfg.Store.PublicStream(ctx, sluice.StreamRef{ID: id})
	if err != nil {
		return nil, err
	}
	if b := st.Broadcast; b.StartedAt != nil && b.EndedAt != nil {
		return nil, sluice.Errorf(sluice.KindGone, "stream_gone", "stream %d has ended and is no longer kept", id)
	}
	return nil, sluice.Errorf(sluice.KindNotFound, "stream_not_started", "stream %d has not started yet", id)
}

// running is the stream in memory, or nil.
func (s *Server) running(id sluice.StreamID) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id]
}

// open returns the running stream of a stored, prepared one, and starts it when
// there is none; begun says that it did.
func (s *Server) open(st *sluice.Stream) (_ *stream, begun bool, err error) {
	ladder, err := sluice.NewLadder(st.Quality)
	if err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.streams[st.ID]; have != nil {
		return have, false, nil
	}
	if s.ctx.Err() != nil {
		return nil, false, errStopping
	}
	if err := s.admit(st.AccountID); err != nil {
		return nil, false, err
	}
	clock := st.Broadcast.Clock().Resume(s.now())
	log := s.log.With("stream", st.ID)
	packaging := cmaf.Config{Clock: clock, Ladder: ladder, Chunk: s.cfg.Chunk, Window: s.cfg.Window}
	var shelf *dvr.Shelf
	if s.cfg.DVR != nil {
		shelf = s.cfg.DVR.Shelf(st.ID)
		packaging.Shelf = shelf
	}
	limits := broadcast.Config{ReconnectWindow: s.cfg.ReconnectWindow, PrepareTimeout: s.cfg.PrepareTimeout}
	rs := &stream{
		server:       s,
		id:           st.ID,
		account:      st.AccountID,
		clock:        clock,
		ladder:       ladder,
		presentation: cmaf.NewPresentation(packaging),
		shelf:        shelf,
		log:          log,
		machine:      broadcast.New(limits, clock.MediaTime(s.now())),
		commands:     make(chan func()),
		offers:       make(chan struct{}, 1),
		ending:       make(chan sluice.EndCause, 1),
		done:         make(chan struct{}),
		removed:      make(chan struct{}),
		gone:         make(chan struct{}),
		awayChanged:  make(chan struct{}, 1),
	}
	s.streams[st.ID] = rs
	s.wg.Go(func() { s.run(rs) })
	return rs, true, nil
}

// forget lets a stream's window go.
func (s *Server) forget(id sluice.StreamID) {
	s.mu.Lock()
	delete(s.streams, id)
	s.mu.Unlock()
	s.cfg.Bus.Forget(id)
}
