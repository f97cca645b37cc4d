package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestOfferBudget(t *testing.T) {
	var b offerBudget
	now := time.Unix(1000, 0)
	for i := range offerBurst {
		require.Zero(t, b.take(now), "offer %d of a burst", i)
	}
	require.Equal(t, offerInterval, b.take(now))
	require.Equal(t, offerInterval/2, b.take(now.Add(offerInterval/2)), "a refused one costs nothing")
	require.Zero(t, b.take(now.Add(offerInterval)))
	require.Equal(t, offerInterval, b.take(now.Add(offerInterval)))
	later := now.Add(time.Hour)
	for range offerBurst {
		require.Zero(t, b.take(later), "a quiet hour gives no more than a burst")
	}
	require.NotZero(t, b.take(later))
}

func TestAStreamTakesOnlySoManyOffers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	_, err := h.server.Prepare(t.Context(), h.owner, h.stream)
	require.NoError(t, err)
	var refused *sluice.Error
	for range 2 * offerBurst {
		_, err := h.server.Init(t.Context(), h.owner, h.stream, "v=0")
		require.Error(t, err)
		if refused = sluice.AsError(err); refused.Code == "too_many_offers" {
			break
		}
		require.Equal(t, "offer_without_media", refused.Code)
	}
	require.Equal(t, "too_many_offers", refused.Code)
	require.Equal(t, sluice.KindTooMany, refused.Kind)
	require.Positive(t, refused.RetryAfter)
	_, err = h.server.End(t.Context(), h.owner, h.stream, sluice.EndRequested)
	require.NoError(t, err)
}
