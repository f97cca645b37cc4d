// Package loadtest watches a live stream as many viewers at once.
package loadtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice/internal/loadtest/playlist"
	"github.com/sluicelive/sluice/internal/loadtest/timeline"
)

// Protocol is how the viewers watch.
type Protocol string

// The protocols. Without one it is told by what the address gives.
const (
	HLS  Protocol = "hls"
	DASH Protocol = "dash"
)

// Config says who watches what.
type Config struct {
	URL      string // of a playlist or an MPD
	Viewers  int
	Duration time.Duration // after all have come
	Ramp     time.Duration // within which they come, one by one
	Protocol Protocol
	// Rendition is highest or lowest, or the height or the name of one. One that
	// does not exist is an error.
	Rendition string
	Insecure  bool   // takes any certificate
	Agent     string // what viewers say they are, before their number
	// Dial makes the connections. Optional.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// sampleEvery is how often it is looked where each viewer is.
const sampleEvery = 200 * time.Millisecond

// ErrNothingPlayed is that no viewer saw a picture.
var ErrNothingPlayed = errors.New("no viewer could play anything")

// Run watches until the time is over, the stream ends or ctx does, and reports
// what was seen. The report holds, too, with ErrNothingPlayed.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	t := newTest(cfg)
	if err := t.probe(ctx); err != nil {
		return nil, err
	}
	t.tally = newTally() // the first look is nobody's
	for i := range cfg.Viewers {
		t.viewers = append(t.viewers, newViewer(t, i))
	}
	begun := time.Now()
	watch, leave := context.WithTimeout(ctx, cfg.Ramp+cfg.Duration)
	defer leave()
	sampled, stop := context.WithCancel(ctx)
	defer stop()
	var sampling errgroup.Group
	sampling.Go(func() error { t.sample(sampled); return nil })
	var group errgroup.Group
	for i, v := range t.viewers {
		group.Go(func() error {
			if wait(watch, cfg.Ramp*time.Duration(i)/time.Duration(cfg.Viewers)) == nil {
				v.watch(watch)
			}
			return nil
		})
	}
	_ = group.Wait() // viewers count their own errors
	stop()
	_ = sampling.Wait()
	report := t.report(time.Since(begun))
	if report.Viewers.Played == 0 {
		return report, ErrNothingPlayed
	}
	return report, nil
}

// test is one run.
type test struct {
	config  Config
	tls     *tls.Config
	tally   *tally
	clock   serverClock
	viewers []*viewer

	addresses *readings[[]string] // of media playlists, in a multivariant one
	playlists *readings[*playlist.Media]
	mpds      *readings[*timeline.Presentation]
}

func newTest(cfg Config) *test {
	return &test{
		config: cfg, tally: newTally(), tls: &tls.Config{
			InsecureSkipVerify: cfg.Insecure, //nolint:gosec // asked for, to test with a certificate of one's own
			ClientSessionCache: tls.NewLRUClientSessionCache(cfg.Viewers),
		},
		addresses: newReadings[[]string](), playlists: newReadings[*playlist.Media](), mpds: newReadings[*timeline.Presentation](),
	}
}

// probe loads the address once: what cannot be watched at all is told at once,
// and told in words.
func (t *test) probe(ctx context.Context) error {
	v := newViewer(t, 0)
	defer v.close()
	var d document
	if err := v.client.document(ctx, t.config.URL, &d); err != nil {
		return err
	}
	text, err := d.text()
	if err != nil {
		return fmt.Errorf("%s: %w", t.config.URL, err)
	}
	if t.config.Protocol == "" {
		switch {
		case playlist.Is(text):
			t.config.Protocol = HLS
		case timeline.Is(text):
			t.config.Protocol = DASH
		default:
			return fmt.Errorf("%s is neither an HLS playlist nor a DASH manifest", t.config.URL)
		}
	}
	if t.config.Protocol == DASH {
		_, err = t.readMPD(&d)
	} else {
		_, err = t.mediaPlaylists(&d)
	}
	return err
}

// sample looks at all viewers from time to time.
func (t *test) sample(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			for _, v := range t.viewers {
				v.sample(now)
			}
		case <-ctx.Done():
			return
		}
	}
}

// wait waits for a time, or for the end of ctx, which is an error.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
