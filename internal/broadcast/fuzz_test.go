package broadcast

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

// runner does what a machine says as live does, and fails where live would panic:
// an action for what is not there.
type runner struct {
	*testing.T
	machine                          *Machine
	session, encoder, standby, ended bool
}

func (r *runner) step(in Input, now time.Duration) {
	for _, a := range r.machine.Step(in, now) {
		require.False(r, r.ended, "nothing follows an end: %+v", a)
		switch a.Do {
		case LaunchStandby:
			require.False(r, r.standby || r.encoder, "one encoder is enough")
			r.standby = true
		case BeginRun:
			require.False(r, r.encoder, "one run at a time")
			require.LessOrEqual(r, a.At, now+time.Second/30, "no run begins in the future")
			r.encoder, r.standby = true, false
		case Feed, CloseInput, KillEncoder:
			require.True(r, r.encoder, "%s without a run", a.Do)
		case AskKeyFrame:
			require.True(r, r.session, "without a publisher")
		case CloseSession:
			r.session = false
		case End:
			r.ended = true
		case SaveAway, Report:
		}
	}
}

// take is an input that can come now, by number.
func (r *runner) take(n int, now, published time.Duration) Input {
	inputs := []Input{Requested{}, Started{}, KeyFrameNeeded{}, Tick{Published: published}, Tick{Published: published}}
	if r.session {
		inputs = append(inputs, Connected{}, Disconnected{}, Closed{}, AudioFrame{Arrived: now}, key(now), delta(now),
			VideoFrame{Codec: media.H264, Key: true, Time: now, Arrived: now, Width: 8192, Height: 8192})
	}
	if r.encoder {
		inputs = append(inputs, EncoderExited{Published: published, Failure: "it broke"}, EncoderExited{Published: published})
	}
	if r.standby {
		inputs = append(inputs, StandbyExited{})
	}
	if n == 255 {
		return EndRequested{}
	}
	if n%16 == 15 {
		return Offered{}
	}
	return inputs[n%len(inputs)]
}

// FuzzStep plays what may happen, in whatever order: no action is for what is not
// there.
func FuzzStep(f *testing.F) {
	f.Add([]byte{15, 1, 0, 9, 5, 0, 9, 1, 9, 200, 11, 0})
	f.Fuzz(func(t *testing.T, order []byte) {
		now, published := 10*sec, time.Duration(0)
		r := &runner{T: t, machine: New(limits(), now)}
		for ; len(order) >= 2; order = order[2:] {
			now += time.Duration(order[1]) * time.Duration(order[1]) * ms // up to a minute
			if order[1]%4 != 0 && r.encoder {
				published = max(published, now-time.Duration(order[1])*ms)
			}
			switch in := r.take(int(order[0]), now, published).(type) {
			case Offered:
				r.session = true
				r.step(in, now)
			case EncoderExited:
				r.encoder = false
				r.step(in, now)
			case StandbyExited:
				r.standby = false
				r.step(in, now)
			default:
				r.step(in, now)
			}
		}
	})
}
