package loadtest

import (
	"context"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice/internal/loadtest/playlist"
)

// watchHLS plays a variant, and the sound beside it.
func (v *viewer) watchHLS(ctx context.Context) {
	addresses := v.openHLS(ctx)
	if addresses == nil {
		return
	}
	shared := &hlsStart{viewer: v, tracks: len(addresses)}
	var group errgroup.Group
	for i, address := range addresses {
		t := &hlsTrack{viewer: v, start: shared, index: i, address: address, lists: make(chan *playlist.Media, 1)}
		group.Go(func() error { t.reload(ctx); return nil })
		group.Go(func() error { t.play(ctx); return nil })
	}
	_ = group.Wait() // tracks count their own errors
	v.finished(ctx)
}

// openHLS finds the media playlists to follow; none when ctx ends first.
func (v *viewer) openHLS(ctx context.Context) []string {
	var d document
	var pause pauses
	for {
		err := v.client.document(ctx, v.test.config.URL, &d)
		if err == nil {
			var addresses []string
			if addresses, err = v.test.mediaPlaylists(&d); err == nil {
				return addresses
			}
		}
		v.failed(ctx, err)
		if pause.wait(ctx) != nil {
			return nil
		}
	}
}

// mediaPlaylists are the addresses of the chosen variant and of its sound, or of
// the playlist itself where it is a media playlist.
func (t *test) mediaPlaylists(d *document) ([]string, error) {
	return t.addresses.read(d, func(text []byte, from *url.URL) ([]string, error) {
		if playlist.IsMedia(text) {
			return []string{from.String()}, nil
		}
		m, err := playlist.ParseMultivariant(text)
		if err != nil {
			return nil, err
		}
		chosen, err := chooseVariant(m, t.config.Rendition)
		if err != nil {
			return nil, err
		}
		uris := []string{chosen.URI}
		if audio, ok := m.AudioOf(chosen); ok {
			uris = append(uris, audio.URI)
		}
		for i, uri := range uris {
			u, err := from.Parse(uri)
			if err != nil {
				return nil, err
			}
			uris[i] = u.String()
		}
		return uris, nil
	})
}

// hlsStart is where the tracks of a viewer start to play: all at one place, which
// the first that knows one chooses.
type hlsStart struct {
	viewer *viewer
	tracks int

	mu    sync.Mutex
	at    time.Time // zero before it is chosen
	count int       // how often it was chosen
}

// choose gives the place that is chosen, and how often that has changed. A track
// that could not go on at an earlier choice makes a new one.
func (s *hlsStart) choose(seen int, place time.Time, timed bool) (time.Time, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count > seen {
		return s.at, s.count
	}
	tracks := 0
	if s.count == 0 {
		tracks = s.tracks
	}
	s.at = place
	s.count++
	s.viewer.place(tracks, place, timed)
	return s.at, s.count
}

// moved reports whether another place was chosen since, or for the first time.
func (s *hlsStart) moved(seen int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return seen == 0 || s.count > seen
}

// hlsTrack follows one media playlist.
type hlsTrack struct {
	*viewer
	start   *hlsStart
	index   int
	address string
	lists   chan *playlist.Media // the newest playlist that was not looked at
}

// reload loads the playlist again and again, until it ends (section 6.3.4).
func (t *hlsTrack) reload(ctx context.Context) {
	defer close(t.lists)
	var list *playlist.Media
	var loaded time.Time
	var d document
	var pause pauses
	for {
		begun := time.Now()
		next, err := t.load(ctx, list, begun.Sub(loaded), &d)
		if err != nil {
			t.failed(ctx, err)
			if pause.wait(ctx) != nil {
				return
			}
			if pause.failures > 1 {
				list = nil // what is known may be what is wrong
			}
			continue
		}
		pause.reset()
		changed := list == nil || next.Next() != list.Next() || len(next.Parts) != len(list.Parts)
		list, loaded = next, begun
		t.put(list)
		if list.Ended || t.untilReload(ctx, list, changed, begun) != nil {
			return
		}
	}
}

// shortestReload is the least time between two loads of a playlist that does not
// change, whatever it says of itself.
const shortestReload = 200 * time.Millisecond

// untilReload waits until a playlist may be loaded again. A server that holds
// requests is asked at once, unless it does not hold them.
func (t *hlsTrack) untilReload(ctx context.Context, list *playlist.Media, changed bool, begun time.Time) error {
	since := time.Since(begun)
	switch {
	case !changed:
		return wait(ctx, max(list.Target/2, shortestReload)-since)
	case list.CanBlock:
		return ctx.Err()
	default:
		return wait(ctx, max(list.Target, shortestReload)-since)
	}
}

// load loads the playlist after a known one.
func (t *hlsTrack) load(ctx context.Context, known *playlist.Media, age time.Duration, d *document) (*playlist.Media, error) {
	if err := t.client.document(ctx, withDirectives(t.address, known, age), d); err != nil {
		return nil, err
	}
	next, err := t.test.playlists.read(d, readPlaylist)
	if err != nil {
		return nil, err
	}
	if next, err = next.Merge(known); err != nil {
		return nil, &fault{"unreadable", d.from.String(), err}
	}
	return next, nil
}

func readPlaylist(text []byte, from *url.URL) (*playlist.Media, error) {
	m, err := playlist.ParseMedia(text)
	if err == nil {
		resolve(m, from)
	}
	return m, err
}

// withDirectives asks for the part, or the segment, after the last one that is
// known (section 6.2.5).
func withDirectives(address string, known *playlist.Media, age time.Duration) string {
	if known == nil || !known.CanBlock {
		return address
	}
	query := "_HLS_msn=" + strconv.FormatUint(known.Next(), 10)
	if known.PartTarget > 0 {
		query += "&_HLS_part=" + strconv.Itoa(len(known.Parts))
	}
	if known.SkipUntil > 0 && age < known.SkipUntil/2 {
		query += "&_HLS_skip=YES"
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String()
}

// put leaves the newest playlist to be looked at, in place of one that nobody
// did.
func (t *hlsTrack) put(list *playlist.Media) {
	select {
	case <-t.lists:
	default:
	}
	t.lists <- list
}
