package api

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

var update = flag.Bool("update", false, "rewrite the golden files") //nolint:gochecknoglobals // a flag

// section 2: the stream object in each state of its life.
func TestStreamObject(t *testing.T) {
	at := func(clock string) *time.Time {
		// A zone other than UTC, as a server's local time may be.
		when, err := time.Parse(time.RFC3339Nano, "2022-09-06T"+clock+"+07:00")
		require.NoError(t, err)
		return &when
	}
	prepared := sluice.Broadcast{PreparedAt: at("09:10:49.746014"), Anchor: at("09:10:39")}
	live := prepared
	live.StartedAt, live.LastMediaAt = at("09:11:39.954264"), at("09:12:00")
	away := live
	away.Away = true
	ended := live
	ended.EndedAt, ended.EndCause = at("09:38:50.746014"), sluice.EndRequested
	failed := live
	failed.EndedAt, failed.EndCause, failed.Failure = at("09:38:50"), sluice.EndFailed, "the encoder stopped five times"

	a := &API{Config: Config{Viewers: func(sluice.StreamID) int { return 12 }}}
	for name, broadcast := range map[string]sluice.Broadcast{
		"created": {}, "prepared": prepared, "live": live, "reconnecting": away, "ended": ended, "failed": failed,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(a.newStream(&sluice.Stream{
				ID: 2, PlaybackID: "pb_4e1243bd22c66e76c2ba9eddc1f91394", AccountID: 3, Name: "my first stream", Slug: "my-first-stream", Quality: "360",
				CreatedAt: *at("09:07:43.466014"), UpdatedAt: *at("09:38:50.746014"),
				Broadcast: broadcast,
			}, "https://live.example.com"), "", "  ")
			require.NoError(t, err)
			requireGolden(t, "stream_"+name+".json", got)
		})
	}
}

func requireGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = append(got, '\n')
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path) //nolint:gosec // G304: a name of this file's
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
