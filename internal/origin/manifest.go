package origin

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dash"
	"github.com/sluicelive/sluice/internal/hls"
)

const (
	typeHLS  = "application/vnd.apple.mpegurl"
	typeDASH = "application/dash+xml"
)

// How long caches may keep a manifest: shared ones half a segment while it
// changes, all of them longer where it is final. A player's own cache keeps
// nothing of a live one: a player that asks again wants what is new, also at an
// address that it has asked for before, as video.js does.
const (
	cacheLive  = "public, max-age=0, s-maxage=1"
	cacheEnded = "public, max-age=30"
	// An address that names a part is asked for at one moment only, and is
	// answered with that part in it: shared caches may hand it to all who come late.
	cacheBlocked = "public, max-age=0, s-maxage=12"
)

// manifest is a rendered playlist or MPD, ready to be sent in either form.
// One is shared by all who ask while the snapshot it was made of is current.
type manifest struct {
	contentType string
	cache       string
	plain       []byte
	zipped      func() ([]byte, error) // for the first who takes it
	etag        string                 // without quotes; the zipped form's has a suffix
	err         error
}

func (s *Server) serveManifest(w http.ResponseWriter, r *http.Request, p *cmaf.Presentation, t target) error {
	if t.kind == mediaPlaylist {
		return serveMediaPlaylist(&s.config.Limits, w, r, p, t.rendition)
	}
	all := p.Snapshot()
	if !all.Playable() {
		return errNotPlayable
	}
	var m *manifest
	if t.kind == mpd {
		m = s.mpd(t.stream, all, r)
	} else {
		m = once(&all.Memo, hls.MultivariantName, typeHLS, all.Ended(), func() (string, error) { return hls.Multivariant(all), nil })
	}
	return m.send(w, r, m.cache)
}

// mpd is a snapshot's MPD in the form that a request gets. For as long as somebody
// may have a live one and has not asked again, one that has ended is concluding.
func (s *Server) mpd(id sluice.StreamID, all *cmaf.Snapshot, r *http.Request) *manifest {
	f, name, now := dash.Form{Base: s.base(all, r)}, dash.Name, s.config.Now()
	switch {
	case !all.Ended():
		s.told.runs(id, now)
	case s.told.recently(id, now):
		f.Concluding, name = true, "concluding "+dash.Name
	}
	final := all.Ended() && !f.Concluding
	return once(&all.Memo, name+" of "+f.Base, typeDASH, final, func() (string, error) { return f.MPD(all) })
}

// serveMediaPlaylist sends the newest playlist of a track, once it holds what
// the request names. All who wait for the same part share one rendering.
func serveMediaPlaylist(l *Limits, w http.ResponseWriter, r *http.Request, p *cmaf.Presentation, rendition string) error {
	track := p.Track(rendition)
	if track == nil {
		return errNoRendition
	}
	d, err := parseDirectives(r.URL.RawQuery)
	if err != nil {
		return err
	}
	all := p.Snapshot()
	if !all.Playable() {
		return errNotPlayable
	}
	if err := awaitReload(l, r, track, d); err != nil {
		return err
	}
	s, name := track.Snapshot(), hls.MediaName(rendition)
	if s.Removed {
		return errRemoved
	}
	if d.delta {
		name += "?delta"
	}
	m := once(&s.Memo, name, typeHLS, s.Ended, func() (string, error) {
		return hls.Media(s, p.Snapshot().Others(rendition), d.delta), nil
	})
	cache := m.cache
	if d.blocks && !s.Ended {
		cache = cacheBlocked
	}
	return m.send(w, r, cache)
}

// once renders a manifest for the first who asks for it.
func once(memo *cmaf.Memo, name, contentType string, ended bool, render func() (string, error)) *manifest {
	return cmaf.Once(memo, name, func() *manifest { return newManifest(contentType, ended, render) })
}

func newManifest(contentType string, ended bool, render func() (string, error)) *manifest {
	text, err := render()
	if err != nil {
		return &manifest{err: err}
	}
	m := &manifest{contentType: contentType, cache: cacheLive, plain: []byte(text)}
	if ended {
		m.cache = cacheEnded
	}
	m.etag = contentTag(m.plain)
	m.zipped = sync.OnceValues(func() ([]byte, error) { return zip(m.plain) })
	return m
}

// zip keeps no tables from one text to the next: making those of other levels takes
// 40 times as long as a playlist of a minute, which gets no smaller by them.
func zip(plain []byte) ([]byte, error) {
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.StatelessCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zipped.Bytes(), nil
}

// contentTag is the inside of a strong entity tag.
func contentTag(content []byte) string {
	h := fnv.New64a()
	_, _ = h.Write(content)
	return fmt.Sprintf("%016x", h.Sum64())
}

// send answers with the form that the client takes, or with 304.
func (m *manifest) send(w http.ResponseWriter, r *http.Request, cache string) error {
	if m.err != nil {
		return m.err
	}
	h := w.Header()
	h.Set("Content-Type", m.contentType)
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	body, tag := m.plain, m.etag
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		zipped, err := m.zipped()
		if err != nil {
			return err
		}
		body, tag = zipped, m.etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+tag+`"`)
	if matchesTag(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) //nolint:gosec // G705: a Host in it has the characters of one; writing fails only when the viewer has left
	}
	return nil
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && value > 0
	}
	return false
}

// matchesTag reads If-None-Match, whose comparison is the weak one (RFC 9110,
// section 13.1.2).
func matchesTag(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == `"`+tag+`"` {
			return true
		}
	}
	return false
}
