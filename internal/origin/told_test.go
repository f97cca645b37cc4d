package origin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/dash"
)

func TestTold(t *testing.T) {
	var told told
	now := time.Unix(1000, 0)
	require.False(t, told.recently(7, now))
	told.runs(7, now)
	told.runs(8, now.Add(time.Second))
	require.True(t, told.recently(7, now.Add(dash.EndNotice-1)))
	require.False(t, told.recently(7, now.Add(dash.EndNotice)))
	told.runs(9, now.Add(dash.EndNotice))
	require.Len(t, told.at, 2, "what is long ago is forgotten")
}
