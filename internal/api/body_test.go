package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

// deadlines records the read deadlines that a handler sets.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// F21: a body has a bounded time to arrive, and the deadline is gone when it
// has: left on, it would end a start that waits for media. It stays when the body
// was refused: its rest is not waited for (S3).
func TestBodyDeadline(t *testing.T) {
	for _, length := range []int{0, 10, maxBody, maxBody + 1} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", length)))
		err := readBody(w, r)
		require.Equal(t, length > maxBody, err != nil)
		require.False(t, w.set[0].IsZero())
		require.Equal(t, err == nil, w.set[len(w.set)-1].IsZero(), "%d bytes", length)
	}
}

func TestBodyCutOff(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.MaxBytesReader(nil, http.NoBody, 0))
	require.NoError(t, readBody(httptest.NewRecorder(), r))
	r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", brokenReader{})
	require.Equal(t, sluice.KindMalformed, sluice.AsError(readBody(httptest.NewRecorder(), r)).Kind)
}

// brokenReader is a body whose sender went away.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, http.ErrBodyReadAfterClose }
