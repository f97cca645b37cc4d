package origin_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
)

// newReloadEncoder is an encoder beside tracks that are there already. It stands
// in the middle of segment 52: three parts of 200 ms are out.
func newReloadEncoder(t *testing.T) *encoder {
	t.Helper()
	e := newEncoder(t)
	for _, name := range []string{"480", sluice.AudioName} {
		require.NoError(t, e.p.Track(name).Consume(t.Context(), bytes.NewReader(cmaftest.Encoded(t, name))))
	}
	e.until(104700 * time.Millisecond)
	require.Equal(t, cmaf.Position{Segment: 52, Chunk: 3}, e.p.Track("360").Snapshot().Next())
	return e
}

// Delivery directives, section 6.2.5.2 of rfc8216bis.
func TestBlockingReload(t *testing.T) {
	for _, c := range []struct {
		rule, query string
		until       time.Duration // media time up to which the answer is held; 0: it comes at once
		status      int
		holds       string // a line of the answer
	}{
		{"no directive: the newest", "", 0, 200, "part-stream360-52-2.m4s"},
		{"a part that is there", "_HLS_msn=52&_HLS_part=2", 0, 200, "part-stream360-52-2.m4s"},
		{"a segment that is there", "_HLS_msn=51", 0, 200, "\nchunk-stream360-51.m4s"},
		{"the next part", "_HLS_msn=52&_HLS_part=3", 104800 * time.Millisecond, 200, "part-stream360-52-3.m4s"},
		{"a part further on", "_HLS_msn=52&_HLS_part=5", 105200 * time.Millisecond, 200, "part-stream360-52-5.m4s"},
		{"a whole segment", "_HLS_msn=52", 106 * time.Second, 200, "\nchunk-stream360-52.m4s"},
		{"a part of the next segment", "_HLS_msn=53&_HLS_part=0", 106200 * time.Millisecond, 200, "part-stream360-53-0.m4s"},
		{"a part past its segment's end is the next one's first", "_HLS_msn=52&_HLS_part=10", 106200 * time.Millisecond, 200, "part-stream360-53-0.m4s"},
		{"one further than that has to come, too", "_HLS_msn=51&_HLS_part=10", 0, 200, "part-stream360-52-2.m4s"},
		{"a part without its segment", "_HLS_part=3", 0, 400, "directive_invalid"},
		{"no number", "_HLS_msn=x", 0, 400, "directive_invalid"},
		{"a negative number", "_HLS_msn=-1", 0, 400, "directive_invalid"},
		{"a part that is no number", "_HLS_msn=52&_HLS_part=", 106 * time.Second, 200, "\nchunk-stream360-52.m4s"},
		{"empty ones are none", "_HLS_msn=&_HLS_part=&_HLS_skip=", 0, 200, "part-stream360-52-2.m4s"},
		{"two segments ahead are the most", "_HLS_msn=53", 107400 * time.Millisecond, 503, "stream_stalled"},
		{"three are too many", "_HLS_msn=54", 0, 400, "directive_too_far"},
		{"the advance limit: fifteen parts after the last", "_HLS_msn=53&_HLS_part=7", 107400 * time.Millisecond, 503, "stream_stalled"},
		{"one more", "_HLS_msn=53&_HLS_part=8", 0, 400, "directive_too_far"},
		{"parameters of the viewer's own", "token=abc", 0, 200, "part-stream360-52-2.m4s"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newReloadEncoder(t)
				a := requestFile(t.Context(), newOrigin(e.p), "stream360.m3u8?"+c.query)
				if c.until > 0 {
					e.until(c.until - 34*time.Millisecond) // all but the last frame
					require.False(t, a.ended(), "held")
					e.until(c.until)
				}
				<-a.done
				require.Equal(t, c.status, a.Code, a.Body)
				require.Contains(t, a.Body.String(), c.holds)
				e.close()
			})
		})
	}
}

func TestBlockedPlaylistIsKeptByCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newReloadEncoder(t)
		o := newOrigin(e.p)
		a := requestFile(t.Context(), o, "stream360.m3u8?_HLS_msn=52&_HLS_part=2")
		require.True(t, a.ended())
		require.Equal(t, "public, max-age=0, s-maxage=12", a.Header().Get("Cache-Control"), "a player that asks again gets what is new")
		e.close()
		require.NoError(t, e.p.End())
		a = requestFile(t.Context(), o, "stream360.m3u8?_HLS_msn=99&_HLS_part=2")
		require.True(t, a.ended(), "after the end, directives count no more")
		require.Equal(t, "public, max-age=30", a.Header().Get("Cache-Control"))
		require.Contains(t, a.Body.String(), "#EXT-X-ENDLIST")
	})
}

// What is not a directive is the viewer's own, however it is written.
func TestForeignParameters(t *testing.T) {
	o := newOrigin(fed(t))
	for _, query := range []string{"sid=a;b", "x=100%", "%zz=1", "a;b", "&&=&", "x=%_HLS_msn=1", "_HLS_skip=YES&x=100%", "_hls_msn=x"} {
		for _, file := range []string{"stream360.m3u8", "master.m3u8", "manifest.mpd", "init-stream360.mp4", "chunk-stream360-51.m4s", "part-stream360-51-0.m4s"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/streams/7/"+file, nil)
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			o.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code, "%s?%s: %s", file, query, w.Body)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		e := newReloadEncoder(t)
		waits := requestFile(t.Context(), newOrigin(e.p), "stream360.m3u8?_HLS_msn=52&sid=a;b&_HLS_part=3&_HLS_msn=nonsense")
		require.False(t, waits.ended(), "directives count next to them, and the first of two")
		e.close()
		require.NoError(t, e.p.End())
		require.True(t, waits.ended())
	})
	for _, query := range []string{"_HLS_msn=5;x", "_HLS_msn=5%", "sid=a;b&_HLS_part=1"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/streams/7/stream360.m3u8", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		require.Equal(t, http.StatusBadRequest, w.Code, query)
	}
}

func TestReloadEnds(t *testing.T) {
	t.Run("with the stream, by its last playlist", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newReloadEncoder(t)
			o := newOrigin(e.p)
			answers := make([]*answer, 100)
			for i := range answers {
				answers[i] = requestFile(t.Context(), o, "stream360.m3u8?_HLS_msn=52&_HLS_part=3")
			}
			e.close()
			require.NoError(t, e.p.End())
			for _, a := range answers {
				require.True(t, a.ended())
				require.Equal(t, http.StatusOK, a.Code)
				require.Contains(t, a.Body.String(), "#EXT-X-ENDLIST")
			}
		})
	})
	t.Run("after three target durations, by 503", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newReloadEncoder(t)
			start := time.Now()
			a := requestFile(t.Context(), newOrigin(e.p), "stream360.m3u8?_HLS_msn=52&_HLS_part=3")
			<-a.done
			require.Equal(t, 6*time.Second, time.Since(start))
			require.Equal(t, http.StatusServiceUnavailable, a.Code, "never the unchanged playlist")
			e.close()
		})
	})
	t.Run("with the request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newReloadEncoder(t)
			ctx, cancel := context.WithCancel(t.Context())
			a := requestFile(ctx, newOrigin(e.p), "stream360.m3u8?_HLS_msn=52&_HLS_part=3")
			require.False(t, a.ended())
			cancel()
			require.True(t, a.ended())
			e.close()
		})
	})
}

// Section 6.2.6: what a hint names comes whole, or not at all.
func TestParts(t *testing.T) {
	t.Run("are their segment, cut", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newReloadEncoder(t)
			o := newOrigin(e.p)
			var parts []byte
			for i := range e.p.Track("360").Snapshot().Segment(51).Chunks {
				a := requestFile(t.Context(), o, cmaf.ChunkName("360", cmaf.Position{Segment: 51, Chunk: i}))
				require.True(t, a.ended())
				require.Equal(t, http.StatusOK, a.Code)
				require.Equal(t, "public, max-age=86400, immutable", a.Header().Get("Cache-Control"))
				parts = append(parts, a.Body.Bytes()...)
			}
			whole := request(t.Context(), o, 51)
			require.True(t, whole.ended())
			require.Equal(t, whole.Body.Bytes(), parts)
			e.close()
		})
	})
	t.Run("that are hinted at are waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newReloadEncoder(t)
			playlist := requestFile(t.Context(), newOrigin(e.p), "stream360.m3u8")
			require.True(t, playlist.ended())
			_, hint, found := strings.Cut(playlist.Body.String(), `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="`)
			require.True(t, found)
			hint, _, _ = strings.Cut(hint, `"`)

			a := requestFile(t.Context(), newOrigin(e.p), hint)
			e.until(104760 * time.Millisecond)
			require.False(t, a.ended())
			require.Zero(t, a.Body.Len(), "not a byte before the whole part is there")
			e.until(104800 * time.Millisecond)
			require.True(t, a.ended())
			require.Equal(t, e.p.Track("360").Snapshot().Segment(52).Chunks[3].Bytes, a.Body.Bytes())

			last := requestFile(t.Context(), newOrigin(e.p), "part-stream360-52-4.m4s")
			e.close()
			require.NoError(t, e.p.End())
			require.True(t, last.ended())
			require.Equal(t, http.StatusNotFound, last.Code, "a hint that comes to nothing")
		})
	})
	for name, status := range map[string]int{
		"part-stream360-52-4.m4s":  http.StatusNotFound, // after the next one
		"part-stream360-53-0.m4s":  http.StatusNotFound,
		"part-stream360-51-10.m4s": http.StatusNotFound, // past the end of its segment
		"part-stream360-49-0.m4s":  http.StatusNotFound, // before the first
		"part-stream1080-51-0.m4s": http.StatusNotFound,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newReloadEncoder(t)
				a := requestFile(t.Context(), newOrigin(e.p), name)
				require.True(t, a.ended())
				require.Equal(t, status, a.Code)
				e.close()
			})
		})
	}
}

// All who wait for the same part are sent the same bytes, rendered once.
func TestReloadIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newReloadEncoder(t)
		o := newOrigin(e.p)
		waiting := make([]*answer, 50)
		for i := range waiting {
			waiting[i] = requestFile(t.Context(), o, "stream360.m3u8?_HLS_msn=52&_HLS_part=3")
		}
		e.until(104800 * time.Millisecond)
		var once sync.Once
		var tag string
		for _, a := range waiting {
			require.True(t, a.ended())
			once.Do(func() { tag = a.Header().Get("ETag") })
			require.Equal(t, tag, a.Header().Get("ETag"))
			require.Equal(t, waiting[0].Body.String(), a.Body.String())
		}
		e.close()
	})
}
