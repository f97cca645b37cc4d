package origin

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/clientaddr"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/hls"
)

// maxWait is how long a request waits for media that a stream should make. A
// blocked playlist must not be sent unchanged after it (rfc8216bis, section
// 6.2.5.2).
const maxWait = 3 * hls.TargetDuration

// Limits count what requests hold for longer than an answer takes, by client
// address. A nil one sets no limit.
type Limits struct {
	// Waiting counts requests that wait for media: blocking playlist reloads, parts
	// and segments that are not made yet, and open segments while they are sent.
	Waiting *budget.Budget[netip.Addr]
	// Files counts segments that are sent from files, of which each holds a
	// descriptor: over HTTP/2 one connection could ask for hundreds.
	Files *budget.Budget[netip.Addr]
}

// clientOf is whom limits count a request of.
func clientOf(r *http.Request) netip.Addr { return clientaddr.Key(clientaddr.Of(r)) }

// wait looks at each snapshot of a track until one will do. It fails with what
// the look failed with, with errStalled when the media do not come, with the
// request, and when there are too many who wait.
func wait(l *Limits, r *http.Request, track *cmaf.Track, look func(*cmaf.TrackSnapshot) (done bool, err error)) error {
	s := track.Snapshot()
	if s.Removed {
		return errRemoved
	}
	if done, err := look(s); done || err != nil {
		return err
	}
	client := clientOf(r)
	if err := l.Waiting.Take(client); err != nil {
		return err
	}
	defer l.Waiting.Release(client)
	return waitMore(r.Context(), s, track, look)
}

// waitMore looks at the snapshots that follow one.
func waitMore(ctx context.Context, s *cmaf.TrackSnapshot, track *cmaf.Track, look func(*cmaf.TrackSnapshot) (done bool, err error)) error {
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
