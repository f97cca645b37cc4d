package loadtest_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice/internal/loadtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	masterPath = "/streams/7/master.m3u8"
	mpdPath    = "/streams/7/manifest.mpd"
)

// Ten viewers of a stream of the house, from a second after another to its end:
// nothing on the way takes time, so what they see is what the manifests make them
// do.
func TestLiveStream(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path        string
		protocol    loadtest.Protocol
		least, most float64 // of the latency
	}{
		"LL-HLS: the hold-back, and up to a part": {masterPath, loadtest.HLS, 0.64, 0.88},
		"LL-DASH: the target latency":             {mpdPath, loadtest.DASH, 0.7, 0.7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := startLive(t, true)
				n, stop := serveLive(t, l, nil)
				defer stop()
				begun := time.Now()
				r, err := watch(t, n, tc.path, time.Minute)
				require.NoError(t, err)
				require.Less(t, time.Since(begun), 10*time.Second, "the end of the stream is the end of the test")
				<-l.done
				require.Equal(t, tc.protocol, r.Protocol)
				require.Equal(t, loadtest.Viewers{Started: 10, Played: 10, Playing: 10}, r.Viewers)
				require.Zero(t, r.Startup.P50, "it was there")
				require.GreaterOrEqual(t, r.Latency.P50, tc.least)
				require.LessOrEqual(t, r.Latency.P99, tc.most)
				require.LessOrEqual(t, r.Arrival.P50, 0.06, "a chunk is there when its last frame is")
				require.Zero(t, r.Stalls)
				require.Positive(t, r.Requests.Bytes)
				for _, e := range r.Errors { // of a segment that the stream ended before
					require.Equal(t, "status 404", e.Kind, e.Example)
				}
			})
		})
	}
}

// What a server may do wrong, and what the report says of it.
func TestFaults(t *testing.T) {
	t.Parallel()
	isMedia := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".m4s") }
	answer := func(status int) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if isMedia(r) {
				http.Error(w, "no", status)
			}
			return isMedia(r)
		}
	}
	for name, tc := range map[string]struct {
		filter func(w http.ResponseWriter, r *http.Request) bool
		kind   string
	}{
		"media that are not there": {answer(http.StatusNotFound), "status 404"},
		"a server that is busy":    {answer(http.StatusServiceUnavailable), "status 503"},
		"media that never come": {func(_ http.ResponseWriter, r *http.Request) bool {
			if isMedia(r) {
				<-r.Context().Done()
			}
			return isMedia(r)
		}, "timeout"},
		"media that break off": {func(w http.ResponseWriter, r *http.Request) bool {
			if isMedia(r) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, "few")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
			return false
		}, "cut off"},
		"connections that break": {func(_ http.ResponseWriter, r *http.Request) bool {
			if isMedia(r) {
				panic(http.ErrAbortHandler)
			}
			return false
		}, "connection"},
	} {
		for _, path := range []string{masterPath, mpdPath} {
			t.Run(name+" of "+path, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := startLive(t, false)
					n, stop := serveLive(t, l, tc.filter)
					defer stop()
					r, err := watch(t, n, path, time.Minute)
					require.ErrorIs(t, err, loadtest.ErrNothingPlayed)
					<-l.done
					require.Equal(t, loadtest.Viewers{Started: 10, Failed: 10}, r.Viewers)
					kinds := map[string]int{}
					for _, e := range r.Errors {
						kinds[e.Kind] = e.Count
						require.Contains(t, e.Example, "http://live.test/")
					}
					require.Positive(t, kinds[tc.kind], r.Errors)
					require.Less(t, r.Requests.Count, int64(10*500), "viewers pause after errors")
				})
			})
		}
	}
}

// A stream whose publisher died: the viewers play what they have, and stall.
func TestStall(t *testing.T) {
	t.Parallel()
	for _, path := range []string{masterPath, mpdPath} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := startLive(t, false)
				n, stop := serveLive(t, l, nil)
				defer stop()
				r, err := watch(t, n, path, 20*time.Second)
				require.NoError(t, err)
				<-l.done
				require.Equal(t, 10, r.Viewers.Played)
				require.Zero(t, r.Viewers.Playing)
				require.Equal(t, 10, r.Stalls.Count)
				require.InDelta(t, 10*15, r.Stalls.Seconds, 15)
			})
		})
	}
}

// What cannot be watched at all is an error in words, and takes no time.
func TestProbe(t *testing.T) {
	text := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) })
	}
	for name, tc := range map[string]struct {
		handler http.Handler
		says    string
	}{
		"no such stream":   {http.NotFoundHandler(), "404 Not Found"},
		"a page":           {text("<html>"), "neither an HLS playlist nor a DASH manifest"},
		"no variant":       {text("#EXTM3U\n"), "it has no variant"},
		"no such variant":  {text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=2x99\nx\n"), `there is no rendition "1080"; there are 99`},
		"no period":        {text(`<MPD type="static"/>`), "it has no period"},
		"an endless thing": {text(strings.Repeat("#EXTM3U\n", 2<<20)), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, stop := serve(t, tc.handler)
				defer stop()
				r, err := loadtest.Run(t.Context(), loadtest.Config{
					URL: "http://live.test/x", Viewers: 1, Duration: time.Second, Rendition: "1080", Dial: n.dial,
				})
				require.ErrorContains(t, err, tc.says)
				require.Nil(t, r)
			})
		})
	}
}

// slow is a server of plain HLS: segments of two seconds, ranges of one file
// behind a query, addresses from the root, no times.
type slow struct {
	begun  time.Time
	loads  atomic.Int64
	ranges atomic.Int64
}

const slowSegment = 1000 // bytes

// ServeHTTP implements http.Handler.
func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/x/all.ts" && r.URL.Query().Get("token") == "a=b" {
		s.ranges.Add(1)
		w.Header().Set("ETag", `"all"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(make([]byte, slowSegment*1000)))
		return
	}
	s.loads.Add(1)
	last := 10 + int(time.Since(s.begun)/(2*time.Second))
	_, _ = fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n", last-5)
	for n := last - 5; n <= last; n++ {
		_, _ = fmt.Fprintf(w, "#EXTINF:2.0,\n#EXT-X-BYTERANGE:%d@%d\n/x/all.ts?token=a=b\n", slowSegment, n*slowSegment)
	}
}

func TestPlainHLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{begun: time.Now()}
		n, stop := serve(t, s)
		defer stop()
		r, err := loadtest.Run(t.Context(), loadtest.Config{
			URL: "http://live.test/list", Viewers: 1, Duration: 59 * time.Second, Rendition: loadtest.Lowest, Dial: n.dial,
		})
		require.NoError(t, err)
		require.Equal(t, loadtest.Viewers{Started: 1, Played: 1, Playing: 1}, r.Viewers)
		require.Nil(t, r.Latency, "nobody knows")
		require.Zero(t, r.Stalls)
		require.Empty(t, r.Errors)
		require.EqualValues(t, 3+29, s.ranges.Load(), "three segments from the end, and each one that came")
		// rfc8216bis, section 6.3.4: a target duration after a change.
		require.InDelta(t, 1+30, s.loads.Load(), 2)
		require.Equal(t, strconv.Itoa(3+29), strconv.FormatInt(r.Requests.Count-s.loads.Load()+1, 10), "each range once")
	})
}

func TestPrint(t *testing.T) {
	r := &loadtest.Report{
		URL: "http://live.test/m.mpd", Protocol: loadtest.DASH, Rendition: "highest", Seconds: 60,
		Viewers: loadtest.Viewers{Started: 200, Played: 199, Playing: 198, Failed: 1},
		Startup: &loadtest.Percentiles{P50: 0.1, P95: 0.2, P99: 0.3, Max: 0.4},
		Stalls:  loadtest.Stalls{Count: 3, PerHour: 0.9, Seconds: 1.25, Longest: 1},
		Errors:  []loadtest.Errors{{Kind: "status 404", Count: 7, Example: "http://live.test/1: the answer is 404 Not Found"}},
	}
	var out bytes.Buffer
	require.NoError(t, r.Print(&out))
	for _, line := range []string{
		"DASH of http://live.test/m.mpd, highest, for 60 s",
		"viewers    200 started, 199 played, 198 of them at the end; 1 never did",
		"start-up                       0.100 s   0.200 s   0.300 s   0.400 s",
		"behind the live edge           –         –         –         –",
		"status 404   7       http://live.test/1: the answer is 404 Not Found",
	} {
		require.Contains(t, out.String(), line)
	}
}

// Over HTTPS viewers speak HTTP/2, and take a certificate of nobody's only when
// told so.
func TestHTTPS(t *testing.T) {
	var older atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			older.Add(1)
		}
		if r.URL.Path == "/list" {
			_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXT-X-ENDLIST\n")
		}
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	defer server.Close()
	cfg := loadtest.Config{URL: server.URL + "/list", Viewers: 3, Duration: time.Minute, Rendition: loadtest.Highest}
	_, err := loadtest.Run(t.Context(), cfg)
	require.ErrorContains(t, err, "certificate")
	cfg.Insecure = true
	r, err := loadtest.Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, loadtest.Viewers{Started: 3, Played: 3, Playing: 3}, r.Viewers)
	require.EqualValues(t, 3*4, r.Requests.Count, "a playlist to see what it is, the same to follow, two segments")
	require.Zero(t, older.Load())
	server.CloseClientConnections()
}

// In HTTP/2 an answer that breaks off leaves its connection whole.
func TestCutOffInHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/list" {
			_, _ = io.WriteString(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXT-X-ENDLIST\n")
			return
		}
		_, _ = io.WriteString(w, "few")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	r, err := loadtest.Run(t.Context(), loadtest.Config{
		URL: server.URL + "/list", Viewers: 1, Duration: time.Second, Rendition: loadtest.Highest, Insecure: true,
	})
	require.ErrorIs(t, err, loadtest.ErrNothingPlayed)
	require.Len(t, r.Errors, 1)
	require.Equal(t, "cut off", r.Errors[0].Kind, r.Errors[0].Example)
	server.CloseClientConnections()
}
