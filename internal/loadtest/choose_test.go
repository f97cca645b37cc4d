package loadtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	renditions := []rendition{{0, 720, 2500, "hd"}, {1, 360, 800, ""}, {2, 480, 1350, "middle"}}
	for wanted, want := range map[string]int{"highest": 0, "lowest": 1, "480": 2, "middle": 2, "360": 1} {
		t.Run(wanted, func(t *testing.T) {
			i, err := choose(wanted, renditions)
			require.NoError(t, err)
			require.Equal(t, want, i)
		})
	}
	_, err := choose("1080", renditions)
	require.EqualError(t, err, `there is no rendition "1080"; there are hd, 360, middle`)
}
