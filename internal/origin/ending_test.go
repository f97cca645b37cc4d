package origin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/dash"
	"github.com/sluicelive/sluice/internal/origin"
)

// Who was watching by DASH is told the end before the MPD is static, for as long as
// it may take players to ask again, and finds the next segments empty meanwhile. Who
// comes to a stream without viewers gets the static MPD at once.
func TestEndOfAWatchedMPD(t *testing.T) {
	p := fed(t)
	at := now
	o := origin.New(origin.Config{
		Presentations: streams{seven: p}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at },
	})
	mpd := func() (text, cache string) {
		got := ask(t, o, http.MethodGet, "/streams/7/manifest.mpd")
		require.Equal(t, http.StatusOK, got.Code)
		return got.Body.String(), got.Header().Get("Cache-Control")
	}
	last := p.Track("360").Snapshot().Last().Number
	text, _ := mpd()
	require.NotContains(t, text, "mediaPresentationDuration")
	require.NoError(t, p.End())

	at = at.Add(dash.EndNotice - time.Millisecond)
	text, cache := mpd()
	require.Contains(t, text, `type="dynamic"`)
	require.Contains(t, text, "mediaPresentationDuration")
	require.Equal(t, "public, max-age=0, s-maxage=1", cache)
	segment := func(number uint64) *httptest.ResponseRecorder {
		return ask(t, o, http.MethodGet, "/streams/7/"+cmaf.SegmentName("360", number))
	}
	for _, number := range []uint64{last + 1, last + 3} {
		require.Equal(t, http.StatusOK, segment(number).Code)
		require.Empty(t, segment(number).Body.Bytes())
		require.Equal(t, "public, max-age=0, s-maxage=1", segment(number).Header().Get("Cache-Control"))
	}
	require.Equal(t, http.StatusNotFound, segment(last+4).Code)

	at = at.Add(time.Millisecond)
	text, cache = mpd()
	require.Contains(t, text, `type="static"`)
	require.Equal(t, "public, max-age=30", cache)
	require.Equal(t, http.StatusNotFound, segment(last+1).Code)

	t.Run("without viewers", func(t *testing.T) {
		unwatched := fed(t)
		require.NoError(t, unwatched.End())
		got := ask(t, newOrigin(unwatched), http.MethodGet, "/streams/7/manifest.mpd")
		require.Contains(t, got.Body.String(), `type="static"`)
	})
}
