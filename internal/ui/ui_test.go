package ui

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// built is a build in miniature.
func built() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"index.html":            file("studio"),
		"watch.html":            file("watch"),
		"docs.html":             file("docs"),
		"theme.js":              file("theme"),
		"favicon.svg":           file("<svg/>"),
		".gitkeep":              file(""),
		"assets/app-1a2b.js":    file("plain"),
		"assets/app-1a2b.js.gz": file("squeezed"),
		"assets/face-3c.svg":    file("<svg/>"),
	}
}

func handler(t *testing.T, root fstest.MapFS) http.Handler {
	t.Helper()
	h, err := newHandler(root)
	require.NoError(t, err)
	return h
}

func get(t *testing.T, h http.Handler, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return string(b)
}

func TestPages(t *testing.T) {
	h := handler(t, built())
	for name, tc := range map[string]struct {
		target string
		status int
		body   string
		cache  string
	}{
		"the studio is the root":              {"/", 200, "studio", "no-cache"},
		"a stream by id":                      {"/watch/12", 200, "watch", "no-cache"},
		"a stream by slug":                    {"/watch/my-first-stream", 200, "watch", "no-cache"},
		"a slug with an escape":               {"/watch/caf%C3%A9", 200, "watch", "no-cache"},
		"a slash at the end is forgiven":      {"/watch/12/", 200, "watch", "no-cache"},
		"what the address asks is the page's": {"/watch/12?protocol=hls", 200, "watch", "no-cache"},
		"the reference":                       {"/docs", 200, "docs", "no-cache"},
		"a stream called index.html":          {"/watch/index.html", 200, "watch", "no-cache"},
		"no stream named":                     {"/watch/", 404, "There is no page here", ""},
		"a file that keeps its name":          {"/theme.js", 200, "theme", "no-cache"},
		"a hashed file never changes":         {"/assets/app-1a2b.js", 200, "plain", "public, max-age=31536000, immutable"},
		"a hashed file that is gone":          {"/assets/old-99.js", 404, "There is no page here", ""},
		"no listing of folders":               {"/assets/", 404, "There is no page here", ""},
		"no copies by their own names":        {"/assets/app-1a2b.js.gz", 404, "There is no page here", ""},
		"documents have one address":          {"/watch.html", 404, "There is no page here", ""},
		"tracked for the build, not for you":  {"/.gitkeep", 404, "There is no page here", ""},
		"nothing":                             {"/nothing/here", 404, "There is no page here", ""},
	} {
		t.Run(name, func(t *testing.T) {
			res := get(t, h, tc.target)
			require.Equal(t, tc.status, res.StatusCode)
			require.Contains(t, text(t, res), tc.body)
			require.Equal(t, tc.cache, res.Header.Get("Cache-Control"))
			require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
		})
	}
}

func TestPathsStayInside(t *testing.T) {
	h := handler(t, built())
	for _, target := range []string{"/assets/../index.html", "/..%2fsecret", "/assets/%2e%2e/index.html", "//etc/passwd"} {
		res := get(t, h, target)
		require.NotEqual(t, http.StatusOK, res.StatusCode, target)
		require.NoError(t, res.Body.Close())
	}
}

func TestOnlyReads(t *testing.T) {
	h := handler(t, built())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)

	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/watch/1", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, w.Body.String())
}

func TestCompressedAssets(t *testing.T) {
	h := handler(t, built())
	for name, tc := range map[string]struct {
		accept, body, encoding string
	}{
		"asked for":             {"br, gzip", "squeezed", "gzip"},
		"with a weight":         {"gzip;q=0.5", "squeezed", "gzip"},
		"refused":               {"gzip;q=0", "plain", ""},
		"refused with decimals": {"gzip; q=0.000", "plain", ""},
		"other codings only":    {"br, deflate", "plain", ""},
		"nothing said":          {"", "plain", ""},
	} {
		t.Run(name, func(t *testing.T) {
			res := get(t, h, "/assets/app-1a2b.js", "Accept-Encoding", tc.accept)
			require.Equal(t, tc.body, text(t, res))
			require.Equal(t, tc.encoding, res.Header.Get("Content-Encoding"))
			require.Equal(t, "Accept-Encoding", res.Header.Get("Vary"))
			require.Equal(t, "text/javascript; charset=utf-8", res.Header.Get("Content-Type"))
		})
	}
}

func TestDocumentsAreProtected(t *testing.T) {
	for _, target := range []string{"/", "/watch/1", "/docs", "/nothing"} {
		res := get(t, handler(t, built()), target)
		require.NoError(t, res.Body.Close())
		csp := res.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'self'", target)
		require.NotContains(t, csp, "unsafe", target)
		require.Equal(t, "no-referrer", res.Header.Get("Referrer-Policy"), target)
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), target)
	}
}

// S22: each page may do what it needs and no more. The studio holds a key.
func TestPagesMayDoWhatTheyNeed(t *testing.T) {
	for target, want := range map[string]struct {
		connect, media string
		camera         string
	}{
		"/":        {"connect-src 'self'", "media-src 'self' blob:", "camera=(self)"},
		"/watch/1": {"connect-src 'self' http: https:", "media-src 'self' blob: http: https:", "camera=()"},
		"/docs":    {"connect-src 'self'", "media-src 'self'", "camera=()"},
		"/nothing": {"connect-src 'self'", "media-src 'self'", "camera=()"},
	} {
		res := get(t, handler(t, built()), target)
		require.NoError(t, res.Body.Close())
		directives := strings.Split(res.Header.Get("Content-Security-Policy"), "; ")
		require.Contains(t, directives, want.connect, target)
		require.Contains(t, directives, want.media, target)
		require.Contains(t, res.Header.Get("Permissions-Policy"), want.camera, target)
		require.Equal(t, "same-origin", res.Header.Get("Cross-Origin-Opener-Policy"), target)
	}
}

func TestNotBuilt(t *testing.T) {
	h := handler(t, fstest.MapFS{".gitkeep": {}})
	for _, target := range []string{"/", "/watch/1", "/docs"} {
		res := get(t, h, target)
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Contains(t, text(t, res), "make build")
	}
}

// TestEmbedded looks into the pages of this very build, if there are any: they
// load nothing from elsewhere and have no script or style of their own, which
// the policy would refuse.
func TestEmbedded(t *testing.T) {
	h := Handler()
	for _, target := range []string{"/", "/watch/1", "/docs"} {
		res := get(t, h, target)
		body := text(t, res)
		if res.StatusCode == http.StatusServiceUnavailable {
			require.Contains(t, body, "make build")
			continue
		}
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.NotRegexp(t, `(src|href)="(https?:)?//`, body)
		require.NotContains(t, body, "<style")
		for _, script := range strings.SplitAfter(body, "<script")[1:] {
			require.Contains(t, script[:strings.Index(script, ">")], "src=")
		}
	}
}
