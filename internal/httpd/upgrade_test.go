package httpd

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUpgrade(t *testing.T) {
	const public = "https://live.example.com"
	for name, c := range map[string]struct {
		upgrade  Upgrade
		method   string
		host     string
		path     string
		key      bool
		location string // refused when empty
	}{
		"a page":                    {Upgrade{}, "GET", "live.test", "/watch/2?protocol=hls", false, "https://live.test/watch/2?protocol=hls"},
		"its head":                  {Upgrade{}, "HEAD", "live.test", "/", false, "https://live.test/"},
		"a playlist":                {Upgrade{}, "GET", "live.test", "/streams/2/master.m3u8", false, "https://live.test/streams/2/master.m3u8"},
		"the port changes":          {Upgrade{Port: 8443}, "GET", "live.test:8080", "/", false, "https://live.test:8443/"},
		"or falls away":             {Upgrade{Port: 443}, "GET", "live.test:80", "/", false, "https://live.test/"},
		"an address":                {Upgrade{Port: 8443}, "GET", "192.0.2.1:80", "/", false, "https://192.0.2.1:8443/"},
		"of six bytes twice over":   {Upgrade{Port: 8443}, "GET", "[2001:db8::1]:80", "/", false, "https://[2001:db8::1]:8443/"},
		"which needs no port":       {Upgrade{}, "GET", "[2001:db8::1]", "/", false, "https://[2001:db8::1]/"},
		"where the operator says":   {Upgrade{URL: public, Port: 8443}, "GET", "other.test", "/docs", false, public + "/docs"},
		"not to another host":       {Upgrade{}, "GET", "live.test", "//evil.test/", false, "https://live.test//evil.test/"},
		"nothing is taken in clear": {Upgrade{}, "POST", "live.test", "/", false, ""},
		"no preflight is led on":    {Upgrade{}, "OPTIONS", "live.test", "/", false, ""},
		"nor a key":                 {Upgrade{}, "GET", "live.test", "/", true, ""},
		"no host, no address":       {Upgrade{}, "GET", "", "/", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, http.NoBody)
			r.Host = c.host
			if c.key {
				r.Header.Set("Authorization", "Bearer key")
			}
			w := httptest.NewRecorder()
			c.upgrade.ServeHTTP(w, r)
			require.Equal(t, c.location, w.Header().Get("Location"))
			if c.location == "" {
				require.Equal(t, http.StatusForbidden, w.Code)
				require.Contains(t, w.Body.String(), "https://")
				return
			}
			require.Equal(t, http.StatusPermanentRedirect, w.Code)
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		})
	}
}
