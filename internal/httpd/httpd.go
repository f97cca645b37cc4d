// Package httpd runs the HTTP listener that API, media and pages share.
package httpd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/clientaddr"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	writeTimeout      = 5 * time.Minute // for the largest page over the slowest line
	maxHeaderBytes    = 32 << 10
)

// Of HTTP/2, where one connection carries all of a client's requests.
const (
	// maxStreams is how many requests one client may have open. A player has
	// less than ten, waiting ones included; a proxy that speaks HTTP/2 to us
	// carries those of many players.
	maxStreams = 250
	// A client is asked whether it is still there when nothing was heard of it
	// for pingAfter: waiting requests may be all that it has.
	pingAfter = 30 * time.Second
	// stuckTimeout is how long a client may take nothing at all, not even the
	// answer to that. It is as long as one write to a viewer may take: the
	// deadline of a request cannot end a connection whose buffers are full.
	stuckTimeout = 15 * time.Second
)

// Config says what is served. API, Origin, UI and Log are required.
type Config struct {
	API    http.Handler // /v1/… and /openapi.json
	Origin http.Handler // /streams/… and /time
	UI     http.Handler // everything else
	// TLS has the certificates; with it the server speaks HTTPS, by HTTP/2 and
	// HTTP/1.1, and nothing else. Optional.
	TLS *tls.Config
	// Ready tells whether the server can do its work. Optional; while the server
	// stops, /readyz says no whatever Ready says.
	Ready func(context.Context) error
	// Drain is called when the server begins to stop, with requests still being
	// served: it ends what would keep them open, as broadcasts and event streams
	// do. Optional.
	Drain func(context.Context)
	// Connections counts the connections of all listeners. Optional: without it
	// there is no limit.
	Connections *Connections
	// Bodies counts the requests whose body is still arriving. Optional, as above.
	Bodies *budget.Budget[netip.Addr]
	// Trusted are the proxies whose word is taken for whom they ask.
	Trusted clientaddr.Proxies
	// StopTimeout bounds Drain and the requests that are under way. Zero is 15 s.
	StopTimeout time.Duration
	Log         *slog.Logger
}

// Server serves HTTP until it is told to stop.
type Server struct {
	Config
	stopping atomic.Bool
	idPrefix string // of the ids of requests, other than at any other start
	requests atomic.Uint64
	notReady struct {
		sync.Mutex
		pace budget.Pace
	}
}

// New makes a server.
func New(cfg Config) *Server {
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 15 * time.Second
	}
	return &Server{Config: cfg, idPrefix: rand.Text()[:12] + "-"}
}

// Handler routes a request, with everything that is done for all of them.
func (s *Server) Handler() http.Handler {
	return s.identify(s.logAccess(s.recoverPanic(s.boundBody(http.HandlerFunc(s.route)))))
}

// Run serves on a listener until ctx is done, then stops: it reports itself not
// ready, drains, and waits for the requests under way. It returns when all are
// answered or the time for it is over.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := s.newHTTP()
	l = s.Connections.listen(l, s.TLS != nil)
	served := make(chan error, 1)
	go func() {
		if s.TLS == nil {
			served <- server.Serve(l)
		} else {
			served <- server.ServeTLS(l, "", "")
		}
	}()
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

func (s *Server) newHTTP() *http.Server {
	server := &http.Server{
		Handler:           s.Handler(),
		TLSConfig:         s.TLS,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      pingAfter,
			PingTimeout:          stuckTimeout,
			WriteByteTimeout:     stuckTimeout,
		},
		// No WriteTimeout, which would end event streams: each request sets its
		// own deadline.
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	if s.Connections != nil {
		server.ConnState = s.Connections.track
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(s.TLS != nil)
	return server
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
