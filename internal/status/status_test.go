package status

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestOf(t *testing.T) {
	for kind, want := range map[sluice.Kind]int{
		sluice.KindInternal: 500, sluice.KindMalformed: 400, sluice.KindInvalid: 422,
		sluice.KindForbidden: 403, sluice.KindNotFound: 404, sluice.KindState: 400,
		sluice.KindGone: 410, sluice.KindTooLarge: 413, sluice.KindUnavailable: 503,
		sluice.Kind(99): 500,
	} {
		require.Equal(t, want, Of(kind), "kind %d", kind)
	}
}
