package budget_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/budget"
)

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func newBudget(total, perKey int) (*budget.Budget[string], *clock, *strings.Builder) {
	c, log := &clock{time.Unix(1000, 0)}, &strings.Builder{}
	return budget.New[string](budget.Config{
		Name: "event streams", Total: total, PerKey: perKey, Code: "busy", Share: "too_many",
		RaiseTotal: "--max-all", RaisePerKey: "--max-of-one", RetryAfter: 5 * time.Second,
		Now: c.read, Log: slog.New(slog.NewTextHandler(log, nil)),
	}), c, log
}

func TestLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		total, perKey int
		held          []string
		key           string
		want          sluice.Kind // 0 is taken
	}{
		"the first":                        {2, 1, nil, "a", 0},
		"a share is used up":               {9, 2, []string{"a", "a"}, "a", sluice.KindTooMany},
		"another has its own":              {9, 2, []string{"a", "a"}, "b", 0},
		"the whole is used up":             {2, 2, []string{"a", "b"}, "c", sluice.KindUnavailable},
		"whose fault it is is said first":  {2, 2, []string{"a", "a"}, "a", sluice.KindTooMany},
		"no limit in all":                  {0, 1, []string{"a", "b"}, "c", 0},
		"no limit of one":                  {3, 0, []string{"a", "a"}, "a", 0},
		"no limit of one, the whole ended": {2, 0, []string{"a", "a"}, "a", sluice.KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b, _, _ := newBudget(tc.total, tc.perKey)
			for _, key := range tc.held {
				require.NoError(t, b.Take(key))
			}
			err := b.Take(tc.key)
			if tc.want == 0 {
				require.NoError(t, err)
				return
			}
			e := sluice.AsError(err)
			require.Equal(t, tc.want, e.Kind)
			require.Equal(t, 5*time.Second, e.RetryAfter)
			require.Contains(t, e.Message, "event streams")
		})
	}
}

func TestRelease(t *testing.T) {
	b, _, _ := newBudget(2, 1)
	require.NoError(t, b.Take("a"))
	require.NoError(t, b.Take("b"))
	require.Error(t, b.Take("c"))
	b.Release("a")
	require.NoError(t, b.Take("c"), "what is given back can be taken")
	require.Error(t, b.Take("b"), "a refusal counts nothing and gives nothing back")
	b.Release("b")
	b.Release("c")
	require.NoError(t, b.Take("a"))
}

// What no limit was set for is free.
func TestNoBudget(t *testing.T) {
	var b *budget.Budget[string]
	require.NoError(t, b.Take("a"))
	b.Release("a")
}

// At most one line a second, which names the budget, who is over it, and what
// raises it.
func TestLog(t *testing.T) {
	b, clock, log := newBudget(9, 1)
	require.NoError(t, b.Take("192.0.2.7"))
	require.Empty(t, log.String())
	for range 1000 {
		require.Error(t, b.Take("192.0.2.7"))
		clock.now = clock.now.Add(999 * time.Microsecond)
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	for _, want := range []string{"level=WARN", "event streams", "of=192.0.2.7", "raise=--max-of-one", "--trusted-proxy"} {
		require.Contains(t, log.String(), want)
	}
	clock.now = clock.now.Add(time.Second)
	require.Error(t, b.Take("192.0.2.7"))
	require.Equal(t, 2, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), "refusedSince=999")
}
