package origin_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/origin"
)

// clocksIn asks for the MPD and gives the addresses of clocks in it.
func clocksIn(t *testing.T, o http.Handler, host string, set func(*http.Request)) []string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/streams/7/manifest.mpd", nil)
	r.Host = host
	if set != nil {
		set(r)
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	clocks := regexp.MustCompile(`<UTCTiming [^>]*value="([^"]*)"`).FindAllStringSubmatch(w.Body.String(), -1)
	values := make([]string, 0, len(clocks))
	for _, found := range clocks {
		values = append(values, found[1])
	}
	require.NotEmpty(t, values)
	if host != "" {
		require.Equal(t, len(values), strings.Count(w.Body.String(), "/time"), "nothing else has an address")
	}
	return values
}

func requireClocks(t *testing.T, want string, values []string) {
	t.Helper()
	for _, value := range values {
		require.Equal(t, want, value)
	}
}

// rx-player takes a relative address for one of the page that it is on, and Media3
// for none.
func TestAddressOfTheTime(t *testing.T) {
	t.Run("as configured, whatever the request says", func(t *testing.T) {
		o := origin.New(origin.Config{
			Presentations: streams{seven: fed(t)}, Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return now }, PublicURL: "https://live.test",
		})
		for _, host := range []string{"", "live.test", "evil.test"} {
			requireClocks(t, "https://live.test/time", clocksIn(t, o, host, nil))
		}
	})
	t.Run("else that of the request", func(t *testing.T) {
		o := newOrigin(fed(t))
		requireClocks(t, "http://live.test:8080/time", clocksIn(t, o, "Live.test:8080", nil))
		requireClocks(t, "http://[::1]:8080/time", clocksIn(t, o, "[::1]:8080", nil))
		requireClocks(t, "https://live.test/time", clocksIn(t, o, "live.test", func(r *http.Request) { r.TLS = &tls.ConnectionState{} }))
	})
	t.Run("never what is no host", func(t *testing.T) {
		o := newOrigin(fed(t))
		for _, host := range []string{"", "a/b", "a@b", `a"><x`, "a b", "a?b", strings.Repeat("a", 300)} {
			requireClocks(t, "/time", clocksIn(t, o, host, nil))
		}
	})
	t.Run("relative behind a proxy, whose scheme and host are not known", func(t *testing.T) {
		o := newOrigin(fed(t))
		for _, name := range []string{"X-Forwarded-Proto", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"} {
			requireClocks(t, "/time", clocksIn(t, o, "live.test", func(r *http.Request) { r.Header.Set(name, "https") }))
		}
	})
	t.Run("for a few hosts at a time, and not of one for another", func(t *testing.T) {
		o := newOrigin(fed(t))
		for i := range 4 {
			host := fmt.Sprintf("host-%d.test", i)
			requireClocks(t, "http://"+host+"/time", clocksIn(t, o, host, nil))
		}
		requireClocks(t, "/time", clocksIn(t, o, "one-too-many.test", nil))
		requireClocks(t, "http://host-0.test/time", clocksIn(t, o, "host-0.test", nil))
	})
}
