package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestCandidatesWaitForTheirOffer(t *testing.T) {
	now := time.Date(2022, 3, 11, 0, 0, 0, 0, time.UTC)
	t.Run("in order, once", func(t *testing.T) {
		var q candidates
		q.add(sluice.ICECandidate{Candidate: "a"}, now)
		q.add(sluice.ICECandidate{Candidate: "b"}, now)
		require.Equal(t, []sluice.ICECandidate{{Candidate: "a"}, {Candidate: "b"}}, q.take(now))
		require.Empty(t, q.take(now))
	})
	t.Run("bounded in age", func(t *testing.T) {
		var q candidates
		q.add(sluice.ICECandidate{Candidate: "old"}, now)
		q.add(sluice.ICECandidate{Candidate: "new"}, now.Add(maxWait))
		require.Equal(t, []sluice.ICECandidate{{Candidate: "new"}}, q.take(now.Add(maxWait+time.Second)))
	})
	t.Run("bounded in count, the oldest goes", func(t *testing.T) {
		var q candidates
		for i := range maxWaiting + 3 {
			q.add(sluice.ICECandidate{Candidate: fmt.Sprint(i)}, now)
		}
		got := q.take(now)
		require.Len(t, got, maxWaiting)
		require.Equal(t, "3", got[0].Candidate)
	})
}
