package origin_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// askToAssemble asks as a cache does that puts segments together.
func askToAssemble(t *testing.T, o http.Handler, method, file string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/streams/7/"+file, nil)
	r.Header.Set("Surrogate-Capability", `nginx="SSI/1.0"`)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w
}

// A cache puts the open segment together out of chunks, each of which it asks for
// when the one before it has come.
func TestRecipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEncoder(t)
		o := newOrigin(e.p)
		e.until(102500 * time.Millisecond)
		file := cmaf.SegmentName("360", 51)
		recipe := askToAssemble(t, o, http.MethodGet, file)
		require.Equal(t, http.StatusOK, recipe.Code)
		require.Equal(t, "video/iso.segment", recipe.Header().Get("Content-Type"))
		require.Equal(t, "public, max-age=0, s-maxage=12", recipe.Header().Get("Cache-Control"))
		require.Equal(t, "Surrogate-Capability", recipe.Header().Get("Vary"))
		require.Empty(t, askToAssemble(t, o, http.MethodHead, file).Body.String())

		includes := regexp.MustCompile(`<!--# include virtual="/include/streams/7/([^"]+)" wait="yes" -->`)
		named := includes.FindAllStringSubmatch(recipe.Body.String(), -1)
		require.Len(t, named, 10, "all that there will be")
		require.Empty(t, strings.TrimSpace(includes.ReplaceAllString(recipe.Body.String(), "")), "and nothing else")

		var whole bytes.Buffer
		for i, name := range named {
			a := requestFile(t.Context(), o, name[1])
			if !a.ended() {
				e.until(102*time.Second + time.Duration(i+1)*200*time.Millisecond + 50*time.Millisecond)
			}
			require.True(t, a.ended(), name[1])
			require.Equal(t, http.StatusOK, a.Code)
			whole.Write(a.Body.Bytes())
		}
		done := askToAssemble(t, o, http.MethodGet, file)
		require.Equal(t, "video/mp4", done.Header().Get("Content-Type"), "in one piece, once it is whole")
		require.True(t, bytes.Equal(done.Body.Bytes(), whole.Bytes()))
		e.close()
	})
}
