package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestBodyLength(t *testing.T) {
	for _, length := range []int{0, 10, maxBody, maxBody + 1} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", length)))
		err := readBody(r)
		if length > maxBody {
			require.ErrorIs(t, err, errBodyTooLarge)
			continue
		}
		require.NoError(t, err)
		again, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Len(t, again, length)
	}
}

func TestBodyCutOff(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.MaxBytesReader(nil, http.NoBody, 0))
	require.NoError(t, readBody(r))
	r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", brokenReader{})
	require.Equal(t, sluice.KindMalformed, sluice.AsError(readBody(r)).Kind)
}

// brokenReader is a body whose sender went away.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, http.ErrBodyReadAfterClose }
