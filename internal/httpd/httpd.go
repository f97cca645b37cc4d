// Package httpd runs the one HTTP listener that API, media and pages share.
package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	writeTimeout      = 5 * time.Minute // for the largest page over the slowest line
	maxHeaderBytes    = 32 << 10
)

// Config says what is served. API, Origin, UI and Log are required.
type Config struct {
	API    http.Handler // /v1/… and /openapi.json
	Origin http.Handler // /streams/… and /time
	UI     http.Handler // everything else
	// Ready tells whether the server can do its work. Optional; while the server
	// stops, /readyz says no whatever Ready says.
	Ready func(context.Context) error
	// Drain is called when the server begins to stop, with requests still being
	// served: it ends what would keep them open, as broadcasts and event streams
	// do. Optional.
	Drain func(context.Context)
	// StopTimeout bounds Drain and the requests that are under way. Zero is 15 s.
	StopTimeout time.Duration
	Log         *slog.Logger
}

// Server serves HTTP until it is told to stop.
type Server struct {
	Config
	stopping atomic.Bool
}

// New makes a server.
func New(cfg Config) *Server {
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 15 * time.Second
	}
	return &Server{Config: cfg}
}

// Handler routes a request, with everything that is done for all of them.
func (s *Server) Handler() http.Handler {
	return s.identify(s.logAccess(s.recoverPanic(http.HandlerFunc(s.route))))
}

// Run serves on a listener until ctx is done, then stops: it reports itself not
// ready, drains, and waits for the requests under way. It returns when all are
// answered or the time for it is over.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// No WriteTimeout, which would end event streams: each request sets its
		// own deadline.
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	err := s.stop(context.WithoutCancel(ctx), server)
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// stop drains and shuts down within StopTimeout. Requests that are still open
// then are cut off.
func (s *Server) stop(ctx context.Context, server *http.Server) error {
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(ctx, s.StopTimeout)
	defer cancel()
	if s.Drain != nil {
		s.Drain(ctx)
	}
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop HTTP: %w", err), server.Close())
	}
	return nil
}
