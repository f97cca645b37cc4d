package api_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/api"
)

// Behind a TLS proxy that is not believed the log says once what to set, and
// nothing where that is set.
func TestProxyThatIsNotBelievedIsSaidOnce(t *testing.T) {
	for name, c := range map[string]struct {
		options []func(*api.Config)
		header  string
		lines   int
	}{
		"no public URL, by https":  {[]func(*api.Config){withoutPublicURL}, "https", 1},
		"no public URL, by http":   {[]func(*api.Config){withoutPublicURL}, "http", 0},
		"with a public URL, https": {nil, "https", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.options...)
			for range 3 {
				s.call("GET", "/v1/streams", "", "X-Forwarded-Proto", c.header)
			}
			require.Equal(t, c.lines, strings.Count(s.log.String(), "SLUICE_PUBLIC_URL"), s.log.String())
		})
	}
}
