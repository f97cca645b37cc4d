package cmaf_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
)

func TestPresentation(t *testing.T) {
	p := cmaftest.NewPresentation(t)
	require.Nil(t, p.Track("1080"))
	require.Zero(t, p.MediaEnd())
	require.Empty(t, p.Snapshot().Stretches())

	cmaftest.Feed(t, p)

	require.Equal(t, []cmaf.Stretch{{First: 50, Last: cmaf.Ongoing}}, p.Snapshot().Stretches())
	require.Equal(t, 107600*time.Millisecond, p.MediaEnd())
	s := p.Snapshot()
	require.True(t, s.Playable())
	require.False(t, s.Ended())
	require.Same(t, s, p.Snapshot(), "nothing changed")

	require.NoError(t, p.End())
	require.True(t, p.Snapshot().Ended())
	require.Equal(t, 107600*time.Millisecond, p.MediaEnd())
	require.NoError(t, p.End(), "a repeat changes nothing")
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitPlayable(t *testing.T) {
	t.Run("returns once all tracks have a complete segment", func(t *testing.T) {
		p := cmaftest.NewPresentation(t)
		waited := make(chan error)
		go func() { waited <- p.WaitPlayable(t.Context()) }()
		cmaftest.Feed(t, p)
		require.NoError(t, <-waited)
	})
	t.Run("fails when the presentation ends before", func(t *testing.T) {
		p := cmaftest.NewPresentation(t)
		require.NoError(t, p.End())
		require.ErrorIs(t, p.WaitPlayable(t.Context()), cmaf.ErrTrackEnded)
	})
	t.Run("fails with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, cmaftest.NewPresentation(t).WaitPlayable(ctx), context.Canceled)
	})
}
