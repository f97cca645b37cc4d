// Package api speaks the HTTP API: JSON calls and event streams under /v1, and
// the document that describes them.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/eventkey"
)

// Live runs broadcasts: what a stream does, where the store says what it is.
// Every method fails with sluice.ErrStreamNotFound for a stream of another
// account, and with KindState where the stream's state does not allow it.
type Live interface {
	// Prepare makes the stream ready to take a publisher. A repeat changes nothing.
	Prepare(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error)
	// Init answers a publisher's SDP offer, replacing the session before it.
	Init(ctx context.Context, account sluice.AccountID, id sluice.StreamID, offer string) (answer string, err error)
	// AddCandidate checks a candidate of the publisher; it may come before Init.
	AddCandidate(ctx context.Context, account sluice.AccountID, id sluice.StreamID, c sluice.ICECandidate) error
	// Start returns when the manifests play. A repeat changes nothing.
	Start(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error)
	// End closes the broadcast. A repeat changes nothing.
	End(ctx context.Context, account sluice.AccountID, id sluice.StreamID, cause sluice.EndCause) (*sluice.Stream, error)
	// Remove ends the broadcast, if there is one, and takes its media off the air:
	// when it returns, viewers get nothing more.
	Remove(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error)
}

// Config is what the API needs. All fields are required but those that say
// otherwise.
type Config struct {
	Store     sluice.Store
	Live      Live
	Bus       *bus.Bus
	EventKeys *eventkey.Keys
	// PublicURL opens the addresses of media. When empty they take scheme and host
	// of the request.
	PublicURL string
	// Host makes of the Host of a request the one that addresses name. Optional:
	// without it they name what was asked for.
	Host func(requested string) string
	// Viewers counts who watches a stream now. Optional.
	Viewers func(sluice.StreamID) int
	// EventLimits bound the event streams that are open. Optional.
	EventLimits EventLimits
	// MaxCreations bounds how many streams an account creates a minute. There is no
	// bound when zero.
	MaxCreations int
	Now          func() time.Time
	Log          *slog.Logger
}

// API serves the HTTP API.
type API struct {
	Config
	keys      *keyring
	creations creations
	routes    *router
	huma      huma.API
	document  []byte
	closing   context.Context //nolint:containedctx // the life of the API, not of a call
	stop      context.CancelFunc
	open      sync.WaitGroup // event streams on connections of their own
	proxied   forwarded
}

// New makes the API and starts what records the use of keys; Close ends it.
func New(cfg Config) *API {
	if cfg.Viewers == nil {
		cfg.Viewers = func(sluice.StreamID) int { return 0 }
	}
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	a := &API{Config: cfg}
	a.routes = newRouter(a.guard)
	a.closing, a.stop = context.WithCancel(context.Background())
	a.creations.most = cfg.MaxCreations
	a.keys = newKeyring(cfg.Store, cfg.Now, cfg.Log)
	a.huma = newHuma(a.routes)
	a.huma.UseMiddleware(a.admit)
	a.register()
	a.document = a.describe()
	return a
}

// Close ends the event streams that have not ended with the bus, and waits until
// the last uses of keys are recorded.
func (a *API) Close() {
	a.stop()
	a.open.Wait()
	a.keys.close()
}

// protect keeps answers out of caches, which would show one caller's to others,
// and browsers from taking one for what it is not. Handlers may set a policy of
// their own.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowOrigin(w.Header(), r.Header.Get("Origin"))
	protect(w.Header())
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	tracked := &trackedWriter{ResponseWriter: w}
	defer a.recoverPanic(tracked, r)
	if !trimSlash(r) {
		writeFailure(tracked, newFailure(nil, errNoRoute))
		return
	}
	a.routes.ServeHTTP(tracked, r)
}
