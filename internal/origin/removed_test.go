package origin_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// S6 and B18: who waits for media of a stream that is taken off the air is told
// at once, and who is in the middle of a segment is cut off.
func TestRemovedWhileViewersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEncoder(t)
		o := newOrigin(e.p)
		e.until(102500 * time.Millisecond) // segment 51 is open
		open := request(t.Context(), o, 51)
		waiting := []*answer{
			request(t.Context(), o, 52),
			requestFile(t.Context(), o, cmaf.ChunkName("360", e.p.Track("360").Snapshot().Next())),
		}
		for _, a := range append(waiting, open) {
			require.False(t, a.ended())
		}
		began := time.Now()
		e.p.Remove()
		require.True(t, open.ended())
		require.Equal(t, http.ErrAbortHandler, open.aborted, "no cache takes it for a whole one")
		for _, a := range waiting {
			require.True(t, a.ended())
			require.Nil(t, a.aborted)
			require.Equal(t, http.StatusGone, a.Code)
			require.NotContains(t, a.Header().Get("Cache-Control"), "immutable")
		}
		require.Zero(t, time.Since(began))

		_, _ = e.pipe.Write(e.run[e.written:]) // an encoder that has not heard of it
		synctest.Wait()
		for _, file := range []string{
			"master.m3u8", "manifest.mpd", "stream360.m3u8", "init-stream360.mp4",
			cmaf.SegmentName("360", 50), cmaf.SegmentName("360", 51), cmaf.ChunkName("360", cmaf.Position{Segment: 51}),
		} {
			a := requestFile(t.Context(), o, file)
			require.True(t, a.ended(), file)
			require.Contains(t, []int{http.StatusNotFound, http.StatusGone}, a.Code, file)
		}
		e.p.Remove()
		require.NoError(t, e.p.End())
		_ = e.pipe.Close()
		require.NoError(t, <-e.done)
	})
}

// A playlist that was waited for is not sent either.
func TestRemovedWhileAPlaylistIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fed(t)
		o := newOrigin(p)
		last := p.Track("360").Snapshot().Last().Number
		a := requestFile(t.Context(), o, "stream360.m3u8?_HLS_msn="+strconv.FormatUint(last+1, 10))
		require.False(t, a.ended())
		p.Remove()
		require.True(t, a.ended())
		require.Equal(t, http.StatusGone, a.Code)
	})
}
