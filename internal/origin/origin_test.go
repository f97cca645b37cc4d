package origin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/origin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// streams is the media of stream 7; stream 8 was let go, 9 has none yet.
type streams struct{ seven *cmaf.Presentation }

func (s streams) Presentation(_ context.Context, id sluice.StreamID) (*cmaf.Presentation, error) {
	switch id {
	case 7:
		return s.seven, nil
	case 8:
		return nil, sluice.Errorf(sluice.KindGone, "stream_gone", "stream 8 is no longer kept")
	case 500:
		return nil, io.ErrClosedPipe
	default:
		return nil, sluice.ErrStreamNotFound
	}
}

var now = time.Date(2026, 2, 3, 10, 1, 48, 123_456_789, time.UTC) //nolint:gochecknoglobals // a constant in all but its type

func newOrigin(p *cmaf.Presentation) *origin.Server {
	return origin.New(origin.Config{
		Presentations: streams{seven: p},
		Log:           slog.New(slog.DiscardHandler),
		Now:           func() time.Time { return now },
	})
}

func fed(t *testing.T) *cmaf.Presentation {
	t.Helper()
	p := cmaftest.NewPresentation(t)
	cmaftest.Feed(t, p)
	return p
}

// field is one header of a request.
type field struct{ name, value string }

// ask sends a request without a network between.
func ask(t *testing.T, o http.Handler, method, path string, header ...field) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://origin.test"+path, nil)
	for _, f := range header {
		r.Header.Set(f.name, f.value)
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w
}

const (
	kept   = "public, max-age=86400, immutable"
	absent = "public, max-age=0, s-maxage=1" // by shared caches, for a second
)

func TestStatusAndHeaders(t *testing.T) {
	p := fed(t)
	require.NoError(t, p.Track("360").End()) // its segment 53 is complete, that of 480 is open
	o := newOrigin(p)
	for _, c := range []struct {
		name, path  string
		status      int
		contentType string
		cache       string
	}{
		{"multivariant playlist", "/streams/7/master.m3u8", 200, "application/vnd.apple.mpegurl", "public, max-age=0, s-maxage=1"},
		{"media playlist", "/streams/7/stream480.m3u8", 200, "application/vnd.apple.mpegurl", "public, max-age=0, s-maxage=1"},
		{"ended media playlist", "/streams/7/stream360.m3u8", 200, "application/vnd.apple.mpegurl", "public, max-age=30"},
		{"audio playlist", "/streams/7/streamaudio.m3u8", 200, "application/vnd.apple.mpegurl", "public, max-age=0, s-maxage=1"},
		{"video init", "/streams/7/init-stream360.mp4", 200, "video/mp4", kept},
		{"audio init", "/streams/7/init-streamaudio.mp4", 200, "audio/mp4", kept},
		{"video segment", "/streams/7/chunk-stream480-51.m4s", 200, "video/mp4", kept},
		{"audio segment", "/streams/7/chunk-streamaudio-52.m4s", 200, "audio/mp4", kept},
		{"time", "/time", 200, "text/plain; charset=utf-8", "no-store"},

		{"segment before the first", "/streams/7/chunk-stream360-49.m4s", 404, "application/json", absent},
		{"segment after the end", "/streams/7/chunk-stream360-54.m4s", 404, "application/json", absent},
		{"segment far ahead", "/streams/7/chunk-stream480-55.m4s", 404, "application/json", "no-store"},
		{"rendition that is not", "/streams/7/stream1080.m3u8", 404, "application/json", absent},
		{"init that is not", "/streams/7/init-stream1080.mp4", 404, "application/json", absent},
		{"part that its segment went on without", "/streams/7/part-stream480-52-10.m4s", 404, "application/json", absent},
		{"part after the end", "/streams/7/part-stream360-54-0.m4s", 404, "application/json", absent},
		{"part before the first", "/streams/7/part-stream480-49-0.m4s", 404, "application/json", absent},
		{"part of a rendition that is not", "/streams/7/part-stream1080-51-0.m4s", 404, "application/json", absent},
		{"part after the next, of the segment that is made", "/streams/7/part-stream480-53-9.m4s", 404, "application/json", "no-store"},
		{"part after the first of the next segment", "/streams/7/part-stream480-54-1.m4s", 404, "application/json", "no-store"},
		{"part far ahead", "/streams/7/part-stream480-99-0.m4s", 404, "application/json", "no-store"},
		{"stream that has not started", "/streams/9/master.m3u8", 404, "application/json", "no-store"},
		{"stream let go", "/streams/8/chunk-stream360-51.m4s", 410, "application/json", absent},
		{"fault of ours", "/streams/500/master.m3u8", 500, "application/json", "no-store"},
		{"no file", "/streams/7/", 404, "application/json", absent},
		{"traversal", "/streams/7/../7/master.m3u8", 404, "application/json", absent},
		{"escaped traversal", "/streams/7/%2e%2e/master.m3u8", 404, "application/json", absent},
		{"escaped file", "/streams/7/master%2em3u8", 404, "application/json", absent},
		{"backslash", `/streams/7/..\master.m3u8`, 404, "application/json", absent},
		{"NUL", "/streams/7/master.m3u8%00", 404, "application/json", absent},
		{"huge number", "/streams/7/chunk-stream360-18446744073709551616.m4s", 404, "application/json", absent},
		{"slug", "/streams/my-first-stream/master.m3u8", 404, "application/json", absent},
		{"MPD", "/streams/7/manifest.mpd", 200, "application/dash+xml", "public, max-age=0, s-maxage=1"},
	} {
		t.Run(c.name, inBubble(func(t *testing.T) {
			t.Helper()
			got := ask(t, o, http.MethodGet, c.path)
			content := got.Body.Bytes()
			require.Equal(t, c.status, got.Code)
			require.Equal(t, c.contentType, got.Header().Get("Content-Type"))
			require.Equal(t, c.cache, got.Header().Get("Cache-Control"))
			require.Equal(t, "*", got.Header().Get("Access-Control-Allow-Origin"))
			require.Contains(t, got.Header().Get("Access-Control-Expose-Headers"), "Date")
			require.Empty(t, got.Header().Get("Access-Control-Allow-Credentials"))
			if c.status != 200 {
				requireEnvelope(t, c.status, content)
				return
			}
			head := ask(t, o, http.MethodHead, c.path)
			for _, name := range []string{"Content-Type", "Cache-Control", "ETag"} {
				require.Equal(t, got.Header().Get(name), head.Header().Get(name), name)
			}
			if c.cache != "no-store" {
				require.Empty(t, head.Body.Bytes())
				require.Equal(t, fmt.Sprint(len(content)), got.Header().Get("Content-Length"))
				require.Equal(t, fmt.Sprint(len(content)), head.Header().Get("Content-Length"))
				require.NotEmpty(t, got.Header().Get("ETag"))
				again := ask(t, o, http.MethodGet, c.path, field{"If-None-Match", got.Header().Get("ETag")})
				require.Equal(t, http.StatusNotModified, again.Code)
				require.Empty(t, again.Body.Bytes())
			}
		}))
	}
}

// inBubble is a test that waits for no clock.
func inBubble(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { t.Helper(); synctest.Test(t, test) }
}

// requireEnvelope holds an error against the form that the API's clients read.
func requireEnvelope(t *testing.T, status int, content []byte) {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal(content, &e))
	require.EqualValues(t, status, e["code"])
	require.NotEmpty(t, e["message"])
	require.NotEmpty(t, e["error"])
	require.Empty(t, e["data"])
	require.NotContains(t, string(content), io.ErrClosedPipe.Error(), "the cause stays in the log")
}

func TestMethods(t *testing.T) {
	o := newOrigin(fed(t))
	options := ask(t, o, http.MethodOptions, "/streams/7/manifest.mpd", field{"Origin", "https://elsewhere.test"})
	require.Equal(t, http.StatusNoContent, options.Code)
	require.Contains(t, options.Header().Get("Access-Control-Allow-Headers"), "Range")
	require.NotEmpty(t, options.Header().Get("Access-Control-Max-Age"))

	for _, names := range []string{"cmcd-object,cmcd-request", "traceparent, x-request-id", "authorization"} {
		options = ask(t, o, http.MethodOptions, "/streams/7/manifest.mpd", field{"Access-Control-Request-Headers", names})
		require.Equal(t, names, options.Header().Get("Access-Control-Allow-Headers"), "media allow what is asked for")
		require.Equal(t, "Access-Control-Request-Headers", options.Header().Get("Vary"))
		require.Empty(t, options.Header().Get("Access-Control-Allow-Credentials"))
	}
	for _, names := range []string{"a\tb", "a: b", "é", strings.Repeat("a,", 1000)} {
		options = ask(t, o, http.MethodOptions, "/streams/7/manifest.mpd", field{"Access-Control-Request-Headers", names})
		require.Equal(t, http.StatusNoContent, options.Code)
		require.NotContains(t, options.Header().Get("Access-Control-Allow-Headers"), names, "no list of names")
	}

	post := ask(t, o, http.MethodPost, "/streams/7/manifest.mpd")
	require.Equal(t, http.StatusMethodNotAllowed, post.Code)
	require.Equal(t, "GET, HEAD, OPTIONS", post.Header().Get("Allow"))
	requireEnvelope(t, http.StatusMethodNotAllowed, post.Body.Bytes())
}

func TestRange(t *testing.T) {
	const path = "/streams/7/chunk-stream360-51.m4s"
	o := newOrigin(fed(t))
	whole := ask(t, o, http.MethodGet, path).Body.Bytes()
	size := len(whole)
	for _, c := range []struct {
		asked        string
		status       int
		from, to     int
		contentRange string
	}{
		{"bytes=0-9", 206, 0, 10, fmt.Sprintf("bytes 0-9/%d", size)},
		{"bytes=1000-2999", 206, 1000, 3000, fmt.Sprintf("bytes 1000-2999/%d", size)},
		{"bytes=-5", 206, size - 5, size, fmt.Sprintf("bytes %d-%d/%d", size-5, size-1, size)},
		{"bytes=1-", 206, 1, size, fmt.Sprintf("bytes 1-%d/%d", size-1, size)},
		{"bytes=9999999-", 416, 0, 0, fmt.Sprintf("bytes */%d", size)},
	} {
		t.Run(c.asked, func(t *testing.T) {
			got := ask(t, o, http.MethodGet, path, field{"Range", c.asked})
			require.Equal(t, c.status, got.Code)
			require.Equal(t, c.contentRange, got.Header().Get("Content-Range"))
			if c.status == 206 {
				require.Equal(t, whole[c.from:c.to], got.Body.Bytes())
			}
		})
	}
}

func TestGzip(t *testing.T) {
	o := newOrigin(fed(t))
	plain := ask(t, o, http.MethodGet, "/streams/7/stream360.m3u8", field{"Accept-Encoding", "gzip;q=0"})
	require.Empty(t, plain.Header().Get("Content-Encoding"))
	zipped := ask(t, o, http.MethodGet, "/streams/7/stream360.m3u8", field{"Accept-Encoding", "br, gzip"})
	require.Equal(t, "gzip", zipped.Header().Get("Content-Encoding"))
	require.Equal(t, "Accept-Encoding", zipped.Header().Get("Vary"))
	require.NotEqual(t, plain.Header().Get("ETag"), zipped.Header().Get("ETag"), "two forms, two tags")
	r, err := gzip.NewReader(zipped.Body)
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, plain.Body.String(), string(text))

	segment := ask(t, o, http.MethodGet, "/streams/7/chunk-stream360-51.m4s", field{"Accept-Encoding", "gzip"})
	require.Empty(t, segment.Header().Get("Content-Encoding"), "media are compressed as they are")
}

func TestTime(t *testing.T) {
	require.Equal(t, "2026-02-03T10:01:48.123Z", ask(t, newOrigin(fed(t)), http.MethodGet, "/time").Body.String())
}

func TestNotPlayable(t *testing.T) {
	p := cmaftest.NewPresentation(t)
	o := newOrigin(p)
	for _, file := range []string{"master.m3u8", "manifest.mpd", "stream360.m3u8", "init-stream360.mp4", "chunk-stream360-50.m4s"} {
		got := ask(t, o, http.MethodGet, "/streams/7/"+file)
		require.Equal(t, http.StatusNotFound, got.Code, file)
		require.Equal(t, "no-store", got.Header().Get("Cache-Control"), "it may come at any moment")
	}
}

func TestWindow(t *testing.T) {
	p := cmaftest.NewPresentation(t)
	track := p.Track("360")
	for shift := range uint64(12) {
		run := cmaftest.Shift(t, cmaftest.Encoded(t, "360"), shift*8)
		require.NoError(t, track.Consume(t.Context(), bytes.NewReader(run)))
	}
	held := track.Snapshot().Segments[0].Number
	require.Greater(t, held, uint64(51))
	o := newOrigin(p)
	status := func(number uint64) int {
		return ask(t, o, http.MethodGet, "/streams/7/"+cmaf.SegmentName("360", number)).Code
	}
	require.Equal(t, http.StatusGone, status(held-1), "has left the window")
	require.Equal(t, http.StatusGone, status(50), "the first ever")
	require.Equal(t, http.StatusNotFound, status(49), "never was")
	require.Equal(t, http.StatusOK, status(held))
}

// What a player gets over a network decodes without a word of complaint.
func TestServedMediaDecode(t *testing.T) {
	p := fed(t)
	require.NoError(t, p.End())
	server := httptest.NewServer(newOrigin(p))
	defer server.Close()
	get := func(name string) []byte {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/streams/7/"+name, nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(r)
		require.NoError(t, err)
		defer func() { require.NoError(t, resp.Body.Close()) }()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		content, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return content
	}
	for _, rendition := range cmaftest.Renditions() {
		media := get(cmaf.InitName(rendition))
		for number := range uint64(4) {
			media = append(media, get(cmaf.SegmentName(rendition, 50+number))...)
		}
		file := filepath.Join(t.TempDir(), rendition+".mp4")
		require.NoError(t, os.WriteFile(file, media, 0o600))
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-i", file, "-f", "null", "-").CombinedOutput() //nolint:gosec // a file of this test's
		require.NoError(t, err)
		require.Empty(t, strings.TrimSpace(string(out)), rendition)
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-xerror", "-i", server.URL+"/streams/7/master.m3u8", "-f", "null", "-").CombinedOutput() //nolint:gosec // the test's own server
	require.NoError(t, err, "%s", out)
	// Of an MPD FFmpeg asks for one segment more than there are, and is told so:
	// without -xerror it goes on with what it has.
	out, err = exec.CommandContext(t.Context(), "ffmpeg", "-v", "fatal", "-i", server.URL+"/streams/7/manifest.mpd", "-map", "0:v:0", "-f", "framecrc", "-").Output() //nolint:gosec // the test's own server
	require.NoError(t, err)
	require.Equal(t, 7*sluice.FrameRate, bytes.Count(out, []byte("\n0, ")), "all pictures")
}

func TestViewers(t *testing.T) {
	at := now
	o := origin.New(origin.Config{
		Presentations: streams{seven: fed(t)},
		Log:           slog.New(slog.DiscardHandler),
		Now:           func() time.Time { return at },
	})
	const segment = "/streams/7/chunk-stream360-51.m4s"
	require.Zero(t, o.Viewers(7))
	for _, agent := range []string{"hls.js", "shaka", "hls.js"} {
		ask(t, o, http.MethodGet, segment, field{"User-Agent", agent})
	}
	ask(t, o, http.MethodGet, "/streams/7/master.m3u8", field{"User-Agent", "a crawler that reads playlists"})
	ask(t, o, http.MethodGet, "/streams/7/chunk-stream360-1.m4s", field{"User-Agent", "a scanner"})
	require.Equal(t, 2, o.Viewers(7))
	require.Zero(t, o.Viewers(8))

	at = at.Add(9 * time.Second)
	ask(t, o, http.MethodGet, segment, field{"User-Agent", "shaka"})
	require.Equal(t, 2, o.Viewers(7))
	at = at.Add(2 * time.Second)
	require.Equal(t, 1, o.Viewers(7), "the other has left")
}
