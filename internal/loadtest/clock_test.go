package loadtest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerClock(t *testing.T) {
	base := time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return base.Add(time.Duration(seconds * float64(time.Second))) }
	type answer struct{ named, unit, sent, got float64 }
	for name, tc := range map[string]struct {
		answers []answer
		want    float64 // seconds
	}{
		"nothing is known":                         {nil, 0},
		"a date that agrees":                       {[]answer{{10, 1, 10.2, 10.3}}, 0},
		"an exact time":                            {[]answer{{15, 0.001, 10, 10.002}}, 4.998},
		"a date, ahead at the least":               {[]answer{{15, 1, 10.2, 10.3}}, 4.7},
		"a date, behind at the least":              {[]answer{{5, 1, 10.2, 10.3}}, -4.2},
		"dates close in from both sides":           {[]answer{{15, 1, 10.2, 10.3}, {15, 1, 10.0, 10.01}, {16, 1, 10.98, 10.99}}, 5.01},
		"an answer that was held bounds little":    {[]answer{{15, 0.001, 10, 10.002}, {16, 1, 8, 11.1}}, 4.998},
		"a clock that was set is believed at once": {[]answer{{15, 0.001, 10, 10.002}, {99, 0.001, 11, 11.002}}, 87.998},
	} {
		t.Run(name, func(t *testing.T) {
			var c serverClock
			for _, a := range tc.answers {
				c.saw(at(a.named), time.Duration(a.unit*float64(time.Second)), at(a.sent), at(a.got))
			}
			require.InDelta(t, tc.want, c.offset().Seconds(), 1e-6)
		})
	}
}

// An answer out of a cache has the date at which the server made it.
func TestAgedDates(t *testing.T) {
	now := time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)
	var c serverClock
	c.sawDate(http.Header{"Date": {now.Add(-time.Minute).Format(http.TimeFormat)}, "Age": {"60"}}, now, now)
	require.Zero(t, c.offset())
	c.sawDate(http.Header{"Date": {"yesterday"}}, now, now)
	require.Zero(t, c.offset())
	c.sawDate(http.Header{"Date": {now.Add(time.Minute).Format(http.TimeFormat)}, "Age": {"0"}}, now, now)
	require.Equal(t, time.Minute, c.offset())

	c = serverClock{}
	late := now.Add(1900 * time.Millisecond)
	c.sawDate(http.Header{"Date": {now.Format(http.TimeFormat)}, "Age": {"0"}}, late, late)
	require.Zero(t, c.offset(), "it was made up to a second after its date, and kept for nearly one")
}
