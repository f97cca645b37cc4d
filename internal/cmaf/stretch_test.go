package cmaf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStretches(t *testing.T) {
	s := resume(nil, 0, 50, 0)
	require.Equal(t, []Stretch{{50, Ongoing}}, s)
	require.Equal(t, s, resume(s, 59, 60, 50), "no number is left out")
	held := resume(s, 59, 70, 50)
	require.Equal(t, []Stretch{{50, 59}, {70, Ongoing}}, held)
	require.Equal(t, []Stretch{{50, Ongoing}}, s, "snapshots keep theirs")
	require.Equal(t, []Stretch{{70, 79}, {90, Ongoing}}, resume(held, 79, 90, 60), "nothing of the first is held")
	require.Equal(t, []Stretch{{5000, Ongoing}}, resume(held, 79, 5000, 4964))
}

func TestCommonStretches(t *testing.T) {
	for _, c := range []struct {
		name       string
		a, b, want []Stretch
	}{
		{"the same", []Stretch{{1, 5}, {8, Ongoing}}, []Stretch{{1, 5}, {8, Ongoing}}, []Stretch{{1, 5}, {8, Ongoing}}},
		{"the narrower", []Stretch{{1, 6}, {8, Ongoing}}, []Stretch{{2, 5}, {9, Ongoing}}, []Stretch{{2, 5}, {9, Ongoing}}},
		{"a hole in one is a hole in both", []Stretch{{1, Ongoing}}, []Stretch{{1, 5}, {8, Ongoing}}, []Stretch{{1, 5}, {8, Ongoing}}},
		{"one that has not gone on yet", []Stretch{{1, 5}, {8, Ongoing}}, []Stretch{{1, Ongoing}}, []Stretch{{1, 5}, {8, Ongoing}}},
		{"apart", []Stretch{{1, 5}}, []Stretch{{6, Ongoing}}, nil},
		{"nothing", nil, []Stretch{{6, Ongoing}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, common(c.a, c.b))
			require.Equal(t, c.want, common(c.b, c.a))
		})
	}
}
