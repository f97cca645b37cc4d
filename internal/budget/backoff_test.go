package budget_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/budget"
)

func TestBackoff(t *testing.T) {
	var b budget.Backoff
	for _, ms := range []int64{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000} {
		require.Equal(t, ms, b.Failed().Milliseconds())
	}
	b.Succeeded()
	require.Equal(t, 5*time.Millisecond, b.Failed())
}
