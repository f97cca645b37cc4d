package loadtest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice/internal/loadtest/playlist"
	"github.com/sluicelive/sluice/internal/loadtest/timeline"
)

// watchDASH plays one representation of the video and one of the sound.
func (v *viewer) watchDASH(ctx context.Context) {
	m := &manifest{viewer: v, address: v.test.config.URL, changed: make(chan struct{})}
	if m.open(ctx) != nil {
		return
	}
	p, _ := m.current()
	v.readClock(ctx, p.Clocks)
	kinds := trackKinds(p)
	at := m.edge(p)
	v.place(len(kinds), p.Start.Add(at), p.Live)
	until, stop := context.WithCancel(ctx)
	defer stop()
	var tracks, group errgroup.Group
	for i, kind := range kinds {
		t := &dashTrack{viewer: v, manifest: m, index: i, kind: kind, at: at}
		tracks.Go(func() error { t.play(until); return nil })
	}
	group.Go(func() error { m.update(until); return nil })
	_ = tracks.Wait() // tracks count their own errors
	stop()
	_ = group.Wait()
	v.finished(ctx)
}

// kind is what of a period a track plays.
type kind int

const (
	video kind = iota
	audio
)

// trackKinds are what a presentation has.
func trackKinds(p *timeline.Presentation) []kind {
	var kinds []kind
	last := p.Periods[len(p.Periods)-1]
	if len(last.Video) > 0 {
		kinds = append(kinds, video)
	}
	if len(last.Audio) > 0 {
		kinds = append(kinds, audio)
	}
	return kinds
}

// manifest is an MPD that is kept up to date.
type manifest struct {
	*viewer
	address string

	mu      sync.Mutex
	newest  *timeline.Presentation
	changed chan struct{} // closed when there is a newer one
}

// current is the newest MPD, and what is closed when there is a newer one.
func (m *manifest) current() (*timeline.Presentation, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newest, m.changed
}

// open loads the MPD until it can; an error is the end of ctx.
func (m *manifest) open(ctx context.Context) error {
	var pause pauses
	for {
		err := m.load(ctx)
		if err == nil {
			return nil
		}
		m.failed(ctx, err)
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

func (m *manifest) load(ctx context.Context) error {
	var d document
	if err := m.client.document(ctx, m.address, &d); err != nil {
		return err
	}
	p, err := m.test.readMPD(&d)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Next != "" {
		m.address = p.Next
	}
	m.newest = p
	close(m.changed)
	m.changed = make(chan struct{})
	return nil
}

// readMPD reads an MPD that has the rendition that was asked for.
func (t *test) readMPD(d *document) (*timeline.Presentation, error) {
	return t.mpds.read(d, func(text []byte, from *url.URL) (*timeline.Presentation, error) {
		p, err := timeline.Parse(text, from)
		if err == nil {
			_, err = chooseTrack(p.Periods[len(p.Periods)-1], t.config.Rendition)
		}
		return p, err
	})
}

// update loads the MPD as often as it asks for, until it is final.
func (m *manifest) update(ctx context.Context) {
	for {
		p, _ := m.current()
		if !p.Live || p.Update == 0 || wait(ctx, p.Update) != nil {
			return
		}
		if err := m.load(ctx); err != nil {
			m.failed(ctx, err)
		}
	}
}

// edge is the media time at which to play: a live MPD's delay behind now, or the
// start of one that is not live. An MPD that names no delay gets three segments.
func (m *manifest) edge(p *timeline.Presentation) time.Duration {
	if !p.Live {
		return p.Periods[0].Start
	}
	now := m.now().Sub(p.Start)
	delay := p.Delay
	if period, ok := p.Period(now); ok && delay == 0 {
		if t, err := chooseTrack(period, m.test.config.Rendition); err == nil {
			if s, ok := t.Segment(now); ok {
				delay = 3 * (s.End - s.Start)
			}
		}
	}
	return now - delay
}

// readClock asks for the time of the server where the MPD says (ISO/IEC 23009-1,
// section 5.8.4.11). One way that works is enough, and without one the dates of
// the answers have to do.
func (v *viewer) readClock(ctx context.Context, clocks []timeline.Clock) {
	for _, c := range clocks {
		sent := time.Now()
		named, err := v.askClock(ctx, c)
		if err != nil {
			v.failed(ctx, err)
			continue
		}
		if !named.IsZero() {
			v.test.clock.saw(named, time.Millisecond, sent, time.Now())
			return
		}
	}
}

// askClock is zero for a kind of clock that is not known, and for one that tells
// by its Date, which is looked at in every answer.
func (v *viewer) askClock(ctx context.Context, c timeline.Clock) (time.Time, error) {
	switch {
	case strings.Contains(c.Scheme, ":direct:"):
		return timeline.Time(c.Value)
	case strings.Contains(c.Scheme, ":http-head:"):
		return time.Time{}, v.client.head(ctx, c.Value)
	case strings.Contains(c.Scheme, ":http-iso:"), strings.Contains(c.Scheme, ":http-xsdate:"):
		var d document
		if err := v.client.document(ctx, c.Value, &d); err != nil {
			return time.Time{}, err
		}
		text, err := d.text()
		if err != nil {
			return time.Time{}, &fault{"unreadable", c.Value, err}
		}
		named, err := timeline.Time(string(text))
		if err != nil {
			return named, &fault{"unreadable", c.Value, err}
		}
		return named, nil
	default:
		return time.Time{}, nil
	}
}

// head asks for the headers of an answer only.
func (c *client) head(ctx context.Context, address string) error {
	ctx, watch := newWatchdog(ctx)
	defer watch.stop()
	resp, err := c.do(ctx, http.MethodHead, playlist.Resource{URI: address}, "identity")
	if err != nil {
		return watch.explain(address, err)
	}
	return resp.Body.Close()
}
