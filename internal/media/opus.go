package media

import "time"

// OpusSilence is one 20 ms packet of digital silence: CELT only, full band,
// stereo, one frame (RFC 6716, section 3.1).
var OpusSilence = []byte{0xFC, 0xFF, 0xFE} //nolint:gochecknoglobals // a constant, were there constant slices

// OpusSilenceDuration is how long OpusSilence lasts.
const OpusSilenceDuration = 20 * time.Millisecond

// OpusDuration is how long an Opus packet lasts, from its table-of-contents
// byte and frame count (RFC 6716, section 3.1). A packet that is malformed, or
// longer than the 120 ms that the RFC allows, lasts 0.
func OpusDuration(packet []byte) time.Duration {
	if len(packet) == 0 {
		return 0
	}
	toc := packet[0]
	var frame time.Duration
	switch config := toc >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = time.Duration([]int{10, 20, 40, 60}[config&3]) * time.Millisecond
	case config < 16: // hybrid: 10, 20 ms
		frame = time.Duration([]int{10, 20}[config&1]) * time.Millisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 2500 * time.Microsecond << (config & 3)
	}
	count := 1
	switch toc & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		count = int(packet[1] & 0x3F)
	}
	if d := frame * time.Duration(count); d <= 120*time.Millisecond {
		return d
	}
	return 0
}
