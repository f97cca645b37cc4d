package status

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestOf(t *testing.T) {
	for kind, want := range map[sluice.Kind]int{
		sluice.KindInternal: 500, sluice.KindMalformed: 400, sluice.KindInvalid: 422,
		sluice.KindForbidden: 403, sluice.KindNotFound: 404, sluice.KindState: 400,
		sluice.KindConflict: 409, sluice.KindGone: 410, sluice.KindTooLarge: 413, sluice.KindUnavailable: 503,
		sluice.KindTooMany: 429, sluice.KindNoSpace: 507,
		sluice.Kind(99): 500,
	} {
		require.Equal(t, want, Of(kind), "kind %d", kind)
	}
}

func TestRetryAfter(t *testing.T) {
	busy := sluice.Errorf(sluice.KindTooMany, "busy", "try again")
	require.Equal(t, "2", RetryAfter(busy, 2*time.Second), "the fallback")
	require.Equal(t, "4", RetryAfter(busy.After(3100*time.Millisecond), 2*time.Second), "rounded up")
	require.Equal(t, "1", RetryAfter(sluice.Errorf(sluice.KindUnavailable, "x", "y"), time.Second))
	require.Empty(t, RetryAfter(sluice.ErrStreamNotFound, time.Second), "a later try mends nothing")
}
