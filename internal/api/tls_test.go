package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/clientaddr"
)

// Without a public address, those in answers are as the request came, and not as
// a header says that it came.
func TestAddressesSayHowTheyWereAskedFor(t *testing.T) {
	s := newServer(t, func(c *api.Config) { c.PublicURL = "" })
	secured := httptest.NewTLSServer(s.Config.Handler)
	defer secured.Close()
	path := s.create("stream")
	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/start", "")
	for name, c := range map[string]struct {
		server  *httptest.Server
		headers []string
		scheme  string
	}{
		"in clear":                      {s.Server, nil, "http://"},
		"by TLS":                        {secured, nil, "https://"},
		"in clear, whatever is claimed": {s.Server, []string{"X-Forwarded-Proto", "https", "Forwarded", "proto=https", "X-Forwarded-Host", "evil.test"}, "http://"},
		"by TLS, whatever is claimed":   {secured, []string{"X-Forwarded-Proto", "http", "X-Forwarded-Host", "evil.test"}, "https://"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL+path, http.NoBody)
			require.NoError(t, err)
			setHeaders(req, c.headers)
			res, err := c.server.Client().Do(req)
			require.NoError(t, err)
			defer func() { require.NoError(t, res.Body.Close()) }()
			stream := readAnswer(t, res).object(t)
			host := c.scheme + strings.TrimPrefix(strings.TrimPrefix(c.server.URL, "https://"), "http://")
			require.Equal(t, host+"/streams/1/master.m3u8", stream["hls_url"])
			require.Equal(t, host+"/streams/1/manifest.mpd", stream["dash_url"])
		})
	}
}

// D7: a trusted proxy says how it was asked.
func TestAddressesBehindATrustedProxy(t *testing.T) {
	s := newServer(t, func(c *api.Config) { c.PublicURL = "" })
	trusted, err := clientaddr.ParseProxies([]string{"127.0.0.1"})
	require.NoError(t, err)
	proxied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Config.Handler.ServeHTTP(w, trusted.Settle(r))
	}))
	defer proxied.Close()
	path := s.create("stream")
	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/start", "")
	for proto, scheme := range map[string]string{"https": "https://", "http": "http://", "": "http://"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxied.URL+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("X-Forwarded-Proto", proto)
		res, err := proxied.Client().Do(req)
		require.NoError(t, err)
		require.Equal(t, scheme+strings.TrimPrefix(proxied.URL, "http://")+"/streams/1/master.m3u8", readAnswer(t, res).object(t)["hls_url"])
		require.NoError(t, res.Body.Close())
	}
}

// A key that is sent in clear gets no answer that would have it sent so again.
func TestCallsInClearAreRefused(t *testing.T) {
	refusing := api.InClear(func(*http.Request) string { return "https://live.test" })
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/v1/streams", http.NoBody)
		r.Header.Set("Origin", "http://app.test")
		w := httptest.NewRecorder()
		refusing.ServeHTTP(w, r)
		res := w.Result()
		a := readAnswer(t, res)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusForbidden, a.Code)
		require.Equal(t, "https_required", a.Error)
		require.Contains(t, a.Message, "https://live.test/v1")
		require.Empty(t, a.Header.Get("Location"))
		require.Equal(t, "http://app.test", a.Header.Get("Access-Control-Allow-Origin"), "so that a page sees why")
	}
}
