package loadtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"time"

	"github.com/sluicelive/sluice/internal/loadtest/playback"
)

const (
	// maxConnections to a server over HTTP/1.1 is what browsers keep to.
	maxConnections = 6
	// maxAhead is how much a viewer loads before it is played.
	maxAhead = 30 * time.Second
)

// viewer is one person with a player.
type viewer struct {
	test      *test
	client    *client
	transport *http.Transport

	mu       sync.Mutex
	begun    time.Time // zero before the viewer has come
	player   *playback.Player
	placed   time.Time // when the playhead was placed last, on the server's clock
	timed    bool      // places in the media are on the wall clock
	reported bool      // its start-up
}

func newViewer(t *test, number int) *viewer {
	transport := &http.Transport{
		TLSClientConfig: t.tls.Clone(), ForceAttemptHTTP2: true, DisableCompression: true,
		MaxConnsPerHost: maxConnections, MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout: time.Minute, TLSHandshakeTimeout: patience,
		Proxy: http.ProxyFromEnvironment, DialContext: t.config.Dial,
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no options to be wrong
	}
	return &viewer{test: t, transport: transport, client: &client{
		http:  &http.Client{Transport: transport, Jar: jar},
		agent: fmt.Sprintf("%s (viewer %d)", t.config.Agent, number+1),
		tally: t.tally, clock: &t.clock,
	}}
}

func (v *viewer) close() { v.transport.CloseIdleConnections() }

// watch plays until ctx or the stream ends.
func (v *viewer) watch(ctx context.Context) {
	defer v.close()
	v.mu.Lock()
	v.begun = time.Now()
	v.mu.Unlock()
	if v.test.config.Protocol == DASH {
		v.watchDASH(ctx)
	} else {
		v.watchHLS(ctx)
	}
}

// now is the time on the server's clock.
func (v *viewer) now() time.Time { return time.Now().Add(v.test.clock.offset()) }

// place puts the playhead at a place in the media. Timed says that these are
// times on the wall clock, and not only in order. It begins anew where tracks is
// not 0.
func (v *viewer) place(tracks int, at time.Time, timed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if tracks > 0 {
		v.player = playback.New(tracks)
	}
	v.timed, v.placed = timed, v.now()
	v.player.Place(time.Now(), at)
}

// buffered says that media of a track have come.
func (v *viewer) buffered(track int, from, to, arrived time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.player.Buffer(time.Now(), track, from, to)
	v.noteStart()
	if v.timed && to.After(v.placed) { // what lay in store before did not arrive
		v.test.tally.arrival.add(arrived.Add(v.test.clock.offset()).Sub(to))
	}
}

// noteStart counts the start-up time once there is a picture.
func (v *viewer) noteStart() {
	if !v.reported && v.player.Started() {
		v.reported = true
		v.test.tally.startup.add(time.Since(v.begun))
	}
}

// finished says that all media have come, unless the viewer left before.
func (v *viewer) finished(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.player != nil && ctx.Err() == nil {
		v.player.Finish()
	}
}

// sample counts how far behind the live edge the viewer is.
func (v *viewer) sample(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.player == nil {
		return
	}
	v.player.Advance(now)
	if head, _ := v.player.Head(); v.timed && v.player.Playing() {
		v.test.tally.latency.add(now.Add(v.test.clock.offset()).Sub(head))
	}
}

// room waits until a track needs more media.
func (v *viewer) room(ctx context.Context, track int) error {
	v.mu.Lock()
	v.player.Advance(time.Now())
	ahead := v.player.Ahead(track)
	v.mu.Unlock()
	return wait(ctx, ahead-maxAhead)
}

// failed counts an error, unless it is that the viewer left.
func (v *viewer) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		v.test.tally.failed(err)
	}
}

// pauses is how long a viewer waits after errors: longer each time.
type pauses struct{ failures int }

const (
	firstPause = 500 * time.Millisecond
	lastPause  = 4 * time.Second
)

func (p *pauses) reset() { p.failures = 0 }

func (p *pauses) wait(ctx context.Context) error {
	d := min(firstPause<<min(p.failures, 8), lastPause)
	p.failures++
	return wait(ctx, d)
}
