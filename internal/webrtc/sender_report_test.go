package webrtc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReportsSayWhenAFrameBelongs(t *testing.T) {
	var c clock
	first := c.wall(5 * time.Second)
	require.Equal(t, 20*time.Millisecond, c.wall(5020*time.Millisecond).Sub(first), "whenever it is asked")

	var s sent
	require.NotNil(t, s.due(0, first, 1, 0), "the first frame brings one")
	require.Nil(t, s.due(990*time.Millisecond, first, 1, 0))
	s.packets, s.octets = 7, 7000
	report := s.due(time.Second, first, 1, 90_000)
	require.Equal(t, uint32(90_000), report.RTPTime)
	require.Equal(t, uint32(7), report.PacketCount)
	require.WithinDuration(t, first, ntpTime(report.NTPTime), time.Microsecond)
}

func TestNTP(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(1900, 1, 1, 0, 0, 1, 0, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2036, 2, 7, 6, 28, 15, 500_000_000, time.UTC), // the last second but a half of era 0
	} {
		require.WithinDuration(t, at, ntpTime(toNTP(at)), time.Microsecond)
	}
	require.True(t, ntpTime(0).IsZero(), "the sender has no clock")
}
