package ffmpeg

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

var update = flag.Bool("update", false, "rewrite the golden files") //nolint:gochecknoglobals // a flag of the test binary

func TestArgs(t *testing.T) {
	for name, tc := range map[string]struct {
		quality sluice.Quality
		phase   time.Duration
		preset  string
	}{
		"360":              {"360", 0, ""},
		"720-in-midsecond": {"720", 1*time.Second + 7*time.Second/30, "veryfast"},
		"1080":             {"1080", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ladder, err := sluice.NewLadder(tc.quality)
			require.NoError(t, err)
			e := Encode{Ladder: ladder, Phase: tc.phase, Preset: tc.preset}
			golden(t, name+".args", strings.Join(e.Args(), "\n")+"\n")
			require.Equal(t, len(ladder)+1, e.Outputs())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path) // #nosec G304 -- a name from the table
	require.NoError(t, err, "run go test -update to write it")
	require.Equal(t, string(want), got)
}
