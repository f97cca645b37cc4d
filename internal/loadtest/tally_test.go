package loadtest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSpread(t *testing.T) {
	var s spread
	require.Nil(t, s.sum())
	for ms := range 100 {
		s.add(time.Duration(ms+1) * time.Millisecond)
	}
	require.Equal(t, &Percentiles{P50: 0.05, P95: 0.095, P99: 0.099, Max: 0.1}, s.sum())
	s.add(-time.Second)
	s.add(time.Hour)
	require.Equal(t, &Percentiles{P50: 0.05, P95: 0.096, P99: 0.1, Max: 3600}, s.sum())
}

func TestErrorsByKind(t *testing.T) {
	tally := newTally()
	tally.failed(&fault{"timeout", "http://a.test/1", errors.New("slow")})
	for _, address := range []string{"http://a.test/2", "http://a.test/3"} {
		tally.failed(&fault{"status 404", address, errors.New("gone")})
	}
	require.Equal(t, []Errors{
		{Kind: "status 404", Count: 2, Example: "http://a.test/2: gone"},
		{Kind: "timeout", Count: 1, Example: "http://a.test/1: slow"},
	}, tally.errors())
}
