// Package origin delivers the media of streams over HTTP: manifests, init
// segments and segments, out of the packager's snapshots.
package origin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dash"
)

// Presentations finds the media of a stream. It fails with an *sluice.Error:
// of KindNotFound for a stream that never was or has not started, of KindGone
// for one whose media were let go.
type Presentations interface {
	Presentation(ctx context.Context, id sluice.StreamID) (*cmaf.Presentation, error)
}

// Config is what an origin needs.
type Config struct {
	Presentations Presentations
	Log           *slog.Logger
	// Limits bound what requests hold. Optional.
	Limits Limits
	// PublicURL is the address that viewers use, without a slash at its end. When
	// empty, absolute addresses take the host that a request names.
	PublicURL string
	// Host makes of the Host of a request the one that addresses name. Optional:
	// without it they name what was asked for.
	Host func(requested string) string
	// WriteTimeout is how long one write to a viewer may take, after which the
	// answer is cut off. Default 15 s.
	WriteTimeout time.Duration
	// Now is the server's time. Default: the wall time at the start of the
	// origin plus what the monotonic clock counted since, so that a stepped
	// system clock does not move players off the stream clocks.
	Now func() time.Time
}

// Server is the http.Handler of /streams/{id}/… and of dash.TimePath.
type Server struct {
	config  Config
	viewers *viewers
	told    told
	faults  faults
}

// New makes an origin.
func New(c Config) *Server {
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 15 * time.Second
	}
	if c.Now == nil {
		start := time.Now()
		c.Now = func() time.Time { return start.Add(time.Since(start)) }
	}
	return &Server{config: c, viewers: newViewers()}
}

// Viewers is how many distinct viewers fetched media of a stream within the
// last seconds.
func (s *Server) Viewers(id sluice.StreamID) int { return s.viewers.count(id, s.config.Now()) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	paced := newPacedWriter(w, s.config.WriteTimeout)
	defer paced.finish()
	allowAnyOrigin(paced.Header())
	switch r.Method {
	case http.MethodOptions:
		preflight(paced, r)
		return
	case http.MethodGet, http.MethodHead:
	default:
		paced.Header().Set("Allow", allowedMethods)
		s.fail(paced, r, errMethod)
		return
	}
	if err := s.serve(paced, r); err != nil {
		refuse(&s.config.Limits, r, err)
		s.fail(paced, r, err)
	}
}

// serve answers, or returns an error before it has written anything.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.EscapedPath()
	if path == dash.TimePath {
		s.time(w)
		return nil
	}
	t, ok := parsePath(path)
	if !ok {
		if namesMedia(path) {
			return slow{errNoFile}
		}
		return errNoFile
	}
	p, err := s.config.Presentations.Presentation(r.Context(), t.stream)
	if err != nil {
		if namesMedia(path) {
			return slow{err}
		}
		return err
	}
	switch t.kind {
	case initSegment, segment, chunk:
		err := serveMedia(&s.config.Limits, w, r, p, t)
		if err != nil && wouldFollow(p, t) && s.told.recently(t.stream, s.config.Now()) {
			serveNothing(w, p.Track(t.rendition))
			return nil
		}
		if err != nil {
			return err // who asks for what is not there watches nothing
		}
		s.viewers.saw(t.stream, r, s.config.Now())
		return nil
	default:
		return s.serveManifest(w, r, p, t)
	}
}

// time tells players the server's time, by which they find the live edge
// (ISO/IEC 23009-1, section 5.8.4.11, scheme http-iso).
func (s *Server) time(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(s.config.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
}
