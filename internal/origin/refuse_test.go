package origin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// A player that counts wrongly, as FFmpeg's does when its clock is off or when the
// stream has ended, asks on as fast as it is answered.
func TestAbsurdNumbersAreRefusedSlowly(t *testing.T) {
	const running, ended = false, true
	for _, c := range []struct {
		name, file string
		ended      bool
		slow       bool
		status     int
	}{
		{"a negative number", "chunk-stream360--5.m4s", running, true, 404},
		{"a number beyond all numbers", "chunk-stream360-99999999999999999999.m4s", running, true, 404},
		{"a number that the demuxer's arithmetic wraps to", "chunk-stream360-102481911520608.m4s", running, true, 404},
		{"a number far ahead", cmaf.SegmentName("360", 60), running, true, 404},
		{"a part far ahead", cmaf.ChunkName("360", cmaf.Position{Segment: 60}), running, true, 404},
		{"a number far behind", cmaf.SegmentName("360", 40), running, true, 404},
		{"a little ahead", cmaf.SegmentName("360", 54), running, false, 404},
		{"a little behind", cmaf.SegmentName("360", 49), running, false, 404},
		{"a segment that is there", cmaf.SegmentName("360", 51), running, false, 200},
		{"the one after the last of an ended stream", cmaf.SegmentName("360", 53), ended, true, 404},
		{"a part after the last segment of an ended stream", cmaf.ChunkName("360", cmaf.Position{Segment: 53}), ended, true, 404},
		{"the last segment of an ended stream", cmaf.SegmentName("360", 52), ended, false, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEncoder(t)
				e.until(105 * time.Second)
				if c.ended {
					e.close()
					require.NoError(t, e.p.End())
				}
				start := time.Now()
				a := requestFile(t.Context(), newOrigin(e.p), c.file)
				<-a.done
				require.Equal(t, c.status, a.Code)
				require.Equal(t, c.slow, time.Since(start) > 0)
				require.LessOrEqual(t, time.Since(start), time.Second)
				if !c.ended {
					e.close()
				}
			})
		})
	}
	t.Run("media of a stream that is not there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(cmaf.NewPresentation(cmaf.Config{}))
			for path, slow := range map[string]bool{"/streams/8/chunk-stream360-51.m4s": true, "/streams/8/manifest.mpd": false} {
				start := time.Now()
				require.Equal(t, http.StatusGone, ask(t, o, http.MethodGet, path).Code)
				require.Equal(t, slow, time.Since(start) > 0, path)
			}
		})
	})
	t.Run("a viewer who leaves is not waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(105 * time.Second)
			ctx, cancel := context.WithCancel(t.Context())
			a := requestFile(ctx, newOrigin(e.p), cmaf.SegmentName("360", 60))
			require.False(t, a.ended())
			cancel()
			require.True(t, a.ended())
			e.close()
		})
	})
}

// In HTTP/1.0 an answer without a length that is broken off looks like one that is
// finished: a cache would keep a half segment for a day.
func TestOpenSegmentForHTTP10(t *testing.T) {
	ask10 := func(ctx context.Context, e *encoder, method string) *answer {
		a := &answer{ResponseRecorder: httptest.NewRecorder(), done: make(chan struct{})}
		r := httptest.NewRequestWithContext(ctx, method, "/streams/7/"+cmaf.SegmentName("360", 51), nil)
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
		o := newOrigin(e.p)
		go func() {
			defer close(a.done)
			defer func() { a.aborted = recover() }()
			o.ServeHTTP(a, r)
		}()
		synctest.Wait()
		return a
	}
	t.Run("it is sent when it is whole, with its length", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			get, head := ask10(t.Context(), e, http.MethodGet), ask10(t.Context(), e, http.MethodHead)
			require.False(t, get.ended())
			require.Zero(t, get.Body.Len())
			e.until(104100 * time.Millisecond)
			require.True(t, get.ended())
			whole := e.p.Track("360").Snapshot().Segment(51)
			require.Equal(t, whole.Size, get.Body.Len())
			for _, a := range []*answer{get, head} {
				require.True(t, a.ended())
				require.Equal(t, http.StatusOK, a.Code)
				require.Equal(t, "public, max-age=86400, immutable", a.Header().Get("Cache-Control"))
				require.NotEmpty(t, a.Header().Get("Content-Length"))
			}
			e.close()
		})
	})
	t.Run("one that does not become whole is an error, kept by no viewer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			a := ask10(t.Context(), e, http.MethodGet)
			<-a.done
			require.Nil(t, a.aborted)
			require.Equal(t, http.StatusServiceUnavailable, a.Code)
			require.NotEmpty(t, a.Header().Get("Content-Length"))
			require.NotContains(t, a.Header().Get("Cache-Control"), "86400")
			e.close()
		})
	})
	t.Run("the head of an open segment is kept by no cache", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEncoder(t)
			e.until(103 * time.Second)
			require.Equal(t, "no-store", ask(t, newOrigin(e.p), http.MethodHead, "/streams/7/"+cmaf.SegmentName("360", 51)).Header().Get("Cache-Control"))
			e.close()
		})
	})
}
