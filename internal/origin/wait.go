package origin

import (
	"context"
	"time"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/hls"
)

// maxWait is how long a request waits for media that a stream should make. A
// blocked playlist must not be sent unchanged after it (rfc8216bis, section
// 6.2.5.2).
const maxWait = 3 * hls.TargetDuration

// wait looks at each snapshot of a track until one will do. It fails with what
// the look failed with, with errStalled when the media do not come, and with
// the request.
func wait(ctx context.Context, track *cmaf.Track, look func(*cmaf.TrackSnapshot) (done bool, err error)) error {
	s := track.Snapshot()
	if s.Removed {
		return errRemoved
	}
	if done, err := look(s); done || err != nil {
		return err
	}
	stalled := time.NewTimer(maxWait)
	defer stalled.Stop()
	for {
		select {
		case <-s.Changed():
		case <-stalled.C:
			return errStalled
		case <-ctx.Done():
			return ctx.Err()
		}
		s = track.Snapshot()
		if s.Removed {
			return errRemoved
		}
		if done, err := look(s); done || err != nil {
			return err
		}
	}
}
