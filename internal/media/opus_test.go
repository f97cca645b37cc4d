package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOpusDuration(t *testing.T) {
	for name, tc := range map[string]struct {
		packet []byte
		want   time.Duration
	}{
		"empty":                       {nil, 0},
		"silence":                     {OpusSilence, OpusSilenceDuration},
		"SILK 10 ms":                  {[]byte{0 << 3}, 10 * time.Millisecond},
		"SILK 60 ms":                  {[]byte{3 << 3}, 60 * time.Millisecond},
		"hybrid 20 ms":                {[]byte{13 << 3}, 20 * time.Millisecond},
		"CELT 2.5 ms":                 {[]byte{16 << 3}, 2500 * time.Microsecond},
		"CELT 20 ms, two frames":      {[]byte{31<<3 | 1}, 40 * time.Millisecond},
		"code 3, three frames":        {[]byte{31<<3 | 3, 3}, 60 * time.Millisecond},
		"code 3 without count":        {[]byte{31<<3 | 3}, 0},
		"longer than the RFC allows":  {[]byte{3<<3 | 3, 63}, 0},
		"code 3 with a count of zero": {[]byte{31<<3 | 3, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, OpusDuration(tc.packet))
		})
	}
}

func FuzzOpusDuration(f *testing.F) {
	f.Add([]byte{0xFC, 0xFF, 0xFE})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if d := OpusDuration(packet); d < 0 || d > 120*time.Millisecond {
			t.Fatalf("duration %v", d)
		}
	})
}
