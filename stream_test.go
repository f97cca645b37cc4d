package sluice_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

// moment is a number of seconds after a fixed time.
func moment(seconds int) time.Time {
	return time.Date(2022, 2, 22, 10, 28, 20, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
}

// in is a stream in a state: created at 0, prepared at 1, started at 2, ended
// at 3.
func in(t *testing.T, status sluice.Status) *sluice.Stream {
	t.Helper()
	s := &sluice.Stream{ID: 7, Name: "mine", CreatedAt: moment(0)}
	if status != sluice.StatusCreated {
		require.NoError(t, s.Prepare(moment(1)))
	}
	if status != sluice.StatusCreated && status != sluice.StatusPrepared {
		require.NoError(t, s.Start(moment(2)))
	}
	switch status {
	case sluice.StatusReconnecting:
		s.Broadcast.Away = true
	case sluice.StatusEnded:
		require.NoError(t, s.End(moment(3), sluice.EndRequested))
	case sluice.StatusError:
		require.NoError(t, s.End(moment(3), sluice.EndFailed))
	default: // done
	}
	require.Equal(t, status, s.Status())
	return s
}

func TestStreamStateMachine(t *testing.T) {
	acts := map[string]func(*sluice.Stream) error{
		"prepare": func(s *sluice.Stream) error { return s.Prepare(moment(9)) },
		"publish": (*sluice.Stream).CheckPublish,
		"start":   func(s *sluice.Stream) error { return s.Start(moment(9)) },
		"end":     func(s *sluice.Stream) error { return s.End(moment(9), sluice.EndPublisherGone) },
	}
	const changes, stays = true, false
	for _, edge := range []struct {
		from    sluice.Status
		act     string
		to      sluice.Status
		changes bool
		code    string // of the refusal
	}{
		{sluice.StatusCreated, "prepare", sluice.StatusPrepared, changes, ""},
		{sluice.StatusCreated, "publish", sluice.StatusCreated, stays, "stream_not_prepared"},
		{sluice.StatusCreated, "start", sluice.StatusCreated, stays, "stream_not_prepared"},
		{sluice.StatusCreated, "end", sluice.StatusEnded, changes, ""},

		{sluice.StatusPrepared, "prepare", sluice.StatusPrepared, stays, ""},
		{sluice.StatusPrepared, "publish", sluice.StatusPrepared, stays, ""},
		{sluice.StatusPrepared, "start", sluice.StatusLive, changes, ""},
		{sluice.StatusPrepared, "end", sluice.StatusEnded, changes, ""},

		{sluice.StatusLive, "prepare", sluice.StatusLive, stays, ""},
		{sluice.StatusLive, "publish", sluice.StatusLive, stays, ""},
		{sluice.StatusLive, "start", sluice.StatusLive, stays, ""},
		{sluice.StatusLive, "end", sluice.StatusEnded, changes, ""},

		{sluice.StatusReconnecting, "prepare", sluice.StatusReconnecting, stays, ""},
		{sluice.StatusReconnecting, "publish", sluice.StatusReconnecting, stays, ""},
		{sluice.StatusReconnecting, "start", sluice.StatusReconnecting, stays, ""},
		{sluice.StatusReconnecting, "end", sluice.StatusEnded, changes, ""},

		{sluice.StatusEnded, "prepare", sluice.StatusEnded, stays, "stream_ended"},
		{sluice.StatusEnded, "publish", sluice.StatusEnded, stays, "stream_ended"},
		{sluice.StatusEnded, "start", sluice.StatusEnded, stays, "stream_ended"},
		{sluice.StatusEnded, "end", sluice.StatusEnded, stays, ""},

		{sluice.StatusError, "prepare", sluice.StatusError, stays, "stream_ended"},
		{sluice.StatusError, "publish", sluice.StatusError, stays, "stream_ended"},
		{sluice.StatusError, "start", sluice.StatusError, stays, "stream_ended"},
		{sluice.StatusError, "end", sluice.StatusError, stays, ""},
	} {
		t.Run(string(edge.from)+" "+edge.act, func(t *testing.T) {
			s := in(t, edge.from)
			before := *s
			err := acts[edge.act](s)
			if edge.code == "" {
				require.NoError(t, err)
			} else {
				require.Equal(t, edge.code, sluice.AsError(err).Code)
				require.Equal(t, sluice.KindState, sluice.AsError(err).Kind)
				require.ErrorContains(t, err, "stream 7", "the message says which")
			}
			require.Equal(t, edge.to, s.Status())
			if edge.changes == stays {
				require.Equal(t, before, *s, "a repeat and a refusal change nothing")
			}
		})
	}
}

func TestPrepareAnchorsTheClock(t *testing.T) {
	s := in(t, sluice.StatusPrepared)
	require.Equal(t, moment(1), *s.Broadcast.PreparedAt)
	require.Equal(t, sluice.NewClock(moment(1)), s.Broadcast.Clock())
}

func TestStartAndEndRecordTheirTimes(t *testing.T) {
	s := in(t, sluice.StatusEnded)
	require.Equal(t, moment(2), *s.Broadcast.StartedAt)
	require.Equal(t, moment(3), *s.Broadcast.EndedAt)
	require.Equal(t, sluice.EndRequested, s.Broadcast.EndCause)
}

func TestEndWhileThePublisherIsAway(t *testing.T) {
	s := in(t, sluice.StatusReconnecting)
	require.NoError(t, s.End(moment(9), sluice.EndPublisherGone))
	require.False(t, s.Broadcast.Away, "nobody is awaited any more")
	require.Equal(t, sluice.EndPublisherGone, s.Broadcast.EndCause)
}

// A server that was killed ends its streams at their last media, which may be
// older than what the stream went through since.
func TestEndIsNeverBeforeWhatItEnds(t *testing.T) {
	for _, test := range []struct {
		from sluice.Status
		at   time.Time
		want time.Time
	}{
		{sluice.StatusCreated, moment(-9), moment(-9)},
		{sluice.StatusPrepared, moment(0), moment(1)},
		{sluice.StatusPrepared, moment(1), moment(1)},
		{sluice.StatusLive, moment(0), moment(2)},
		{sluice.StatusLive, moment(1), moment(2)},
		{sluice.StatusLive, moment(4), moment(4)},
	} {
		s := in(t, test.from)
		require.NoError(t, s.End(test.at, sluice.EndRecovered))
		require.Equal(t, test.want, *s.Broadcast.EndedAt, "%s ended at %v", test.from, test.at)
	}
}

func TestIsLive(t *testing.T) {
	for status, want := range map[sluice.Status]bool{
		sluice.StatusCreated:      false,
		sluice.StatusPrepared:     false,
		sluice.StatusLive:         true,
		sluice.StatusReconnecting: true,
		sluice.StatusEnded:        false,
		sluice.StatusError:        false,
	} {
		require.Equal(t, want, in(t, status).IsLive(), status)
	}
}
