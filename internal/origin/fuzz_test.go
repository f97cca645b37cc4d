package origin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
)

// FuzzRequest sends requests for a playlist with any query and any headers that
// are read of it: each is answered, and never as a fault of the server.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][4]string{
		{"", "", "", ""},
		{"_HLS_msn=52&_HLS_part=2", "gzip", `"x"`, "bytes=0-1"},
		{"_HLS_msn=18446744073709551615&_HLS_part=2147483647&_HLS_skip=YES", "gzip;q=0, *;q=1", `W/"x", *`, "bytes=-1"},
		{"_HLS_msn=-1", "gzip;q=", `"`, "bytes=9999999999999999999-"},
		{"x=100%&sid=a;b", ";;,,", ",", "bytes=0-0,0-0,0-0"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	p := cmaftest.NewPresentation(f)
	cmaftest.Feed(f, p)
	o := newOrigin(p)
	left, leave := context.WithCancel(f.Context())
	leave() // nothing is waited for
	f.Fuzz(func(t *testing.T, query, encoding, tag, bytes string) {
		for _, file := range []string{"stream360.m3u8", "master.m3u8", "manifest.mpd", "chunk-stream360-51.m4s"} {
			r := httptest.NewRequestWithContext(left, http.MethodGet, "/streams/7/"+file, nil)
			r.URL.RawQuery = query
			r.Header.Set("Accept-Encoding", encoding)
			r.Header.Set("If-None-Match", tag)
			r.Header.Set("Range", bytes)
			w := httptest.NewRecorder()
			o.ServeHTTP(w, r)
			require.NotEqual(t, http.StatusInternalServerError, w.Code, file)
			if w.Code != http.StatusRequestedRangeNotSatisfiable { // which no cache keeps
				require.NotEmpty(t, w.Header().Get("Cache-Control"), file)
			}
		}
	})
}
