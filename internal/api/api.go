// Package api speaks the HTTP API: JSON calls and event streams under /v1, and
// the document that describes them.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
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
	// AddCandidate hands over a candidate of the publisher; it may come before Init.
	AddCandidate(ctx context.Context, account sluice.AccountID, id sluice.StreamID, c sluice.ICECandidate) error
	// Start returns when the manifests play. A repeat changes nothing.
	Start(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error)
	// End closes the broadcast. A repeat changes nothing.
	End(ctx context.Context, account sluice.AccountID, id sluice.StreamID, cause sluice.EndCause) (*sluice.Stream, error)
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
	// Viewers counts who watches a stream now. Optional.
	Viewers func(sluice.StreamID) int
	Now     func() time.Time
	Log     *slog.Logger
}

// API serves the HTTP API.
type API struct {
	Config
	keys     *keyring
	routes   *http.ServeMux
	huma     huma.API
	document []byte
	proxied  forwarded
}

// New makes the API and starts what records the use of keys; Close ends it.
func New(cfg Config) *API {
	if cfg.Viewers == nil {
		cfg.Viewers = func(sluice.StreamID) int { return 0 }
	}
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	a := &API{Config: cfg, routes: http.NewServeMux()}
	a.keys = newKeyring(cfg.Store, cfg.Now, cfg.Log)
	a.huma = newHuma(a.routes)
	a.huma.UseMiddleware(a.admit)
	a.register()
	a.document = a.describe()
	return a
}

// Close waits until the last uses of keys are recorded. Event streams end with
// their request or with the bus.
func (a *API) Close() { a.keys.close() }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowOrigin(w.Header(), r.Header.Get("Origin"))
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
