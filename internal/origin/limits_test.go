package origin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/origin"
)

// limitedOrigin lets so many requests wait.
func limitedOrigin(p *cmaf.Presentation, total, perAddress int) *origin.Server {
	return origin.New(origin.Config{
		Presentations: streams{seven: p}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		Limits: origin.Limits{Waiting: budget.New[netip.Addr](budget.Config{
			Name: "requests that wait for media", Total: total, PerKey: perAddress, Code: "too_many_waiting", Share: "too_many_waiting_of_address",
			RetryAfter: 5 * time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})},
	})
}

// S1: requests that wait for media have a budget, whatever they wait for. What
// need not wait is served all the same.
func TestWaitingIsLimited(t *testing.T) {
	const reload, part, open, ahead = "stream360.m3u8?_HLS_msn=52&_HLS_part=3", "part-stream360-52-3.m4s", "chunk-stream360-52.m4s", "chunk-stream360-53.m4s"
	for name, tc := range map[string]struct {
		total, perAddress int
		from              string
		code              int
	}{
		"by address": {9, 3, "192.0.2.1:99", http.StatusTooManyRequests},
		"in all":     {3, 3, "192.0.2.2:99", http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newReloadEncoder(t)
				o := limitedOrigin(e.p, tc.total, tc.perAddress)
				waiting := []*answer{requestFile(t.Context(), o, reload), requestFile(t.Context(), o, part), requestFile(t.Context(), o, open)}
				for _, a := range waiting {
					require.False(t, a.ended(), "held")
				}
				for _, file := range []string{reload, part, open, ahead} {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/streams/7/"+file, http.NoBody)
					r.RemoteAddr = tc.from
					w := httptest.NewRecorder()
					o.ServeHTTP(w, r)
					require.Equal(t, tc.code, w.Code, file)
					require.Equal(t, "5", w.Header().Get("Retry-After"), file)
					require.Equal(t, "no-store", w.Header().Get("Cache-Control"), file)
				}
				for _, file := range []string{"stream360.m3u8", "part-stream360-52-2.m4s", "chunk-stream360-51.m4s", "master.m3u8"} {
					r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/streams/7/"+file, http.NoBody)
					r.RemoteAddr = "192.0.2.1:99"
					w := httptest.NewRecorder()
					o.ServeHTTP(w, r)
					require.Equal(t, http.StatusOK, w.Code, file)
					require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), file)
				}
				e.until(106200 * time.Millisecond)
				for _, a := range waiting {
					<-a.done
					require.Equal(t, http.StatusOK, a.Code, a.Body)
				}
				again := requestFile(t.Context(), o, "part-stream360-53-1.m4s")
				require.False(t, again.ended(), "places are free again")
				e.close()
				<-again.done
			})
		})
	}
}
