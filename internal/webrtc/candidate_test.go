package webrtc

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

func TestCheckCandidate(t *testing.T) {
	ours, stale := "chrm", "old1"
	const host = "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host"
	for _, tc := range []struct {
		name      string
		candidate sluice.ICECandidate
		code      string
	}{
		{"host", sluice.ICECandidate{Candidate: host, UsernameFragment: &ours}, ""},
		{"without username fragment", sluice.ICECandidate{Candidate: host}, ""},
		{"as an attribute line", sluice.ICECandidate{Candidate: "a=" + host + "\r\n"}, ""},
		{"of another offer", sluice.ICECandidate{Candidate: host, UsernameFragment: &stale}, ""},
		{"of another offer, by its extension", sluice.ICECandidate{Candidate: host + " ufrag old1"}, ""},
		{"the end of candidates", sluice.ICECandidate{UsernameFragment: &ours}, ""},
		{"the end of candidates, prefixed", sluice.ICECandidate{Candidate: "candidate:"}, ""},
		{"a multicast name", sluice.ICECandidate{Candidate: "candidate:1 1 udp 2122260223 3b6e0a4c-2f5c.local 50000 typ host"}, ""},
		{"TCP", sluice.ICECandidate{Candidate: "candidate:1 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active"}, ""},
		{"garbage", sluice.ICECandidate{Candidate: "garbage"}, "candidate_invalid"},
		{"an object that was turned into a string", sluice.ICECandidate{Candidate: "[object Object]"}, "candidate_invalid"},
		{"a port out of range", sluice.ICECandidate{Candidate: "candidate:1 1 udp 1 192.0.2.2 99999 typ host"}, "candidate_invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := CheckCandidate(tc.candidate)
			if tc.code == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, tc.code, sluice.AsError(err).Code)
			require.Equal(t, sluice.KindMalformed, sluice.AsError(err).Kind)
		})
	}
}

// TestTrickle connects with candidates that come after offer and answer only.
func TestTrickle(t *testing.T) {
	s := listen(t, Config{})
	p, err := NewPublisher(PublisherConfig{Video: media.VP8})
	require.NoError(t, err)
	defer p.Close()
	offer, err := p.Offer(t.Context())
	require.NoError(t, err)
	r := newRecorder()
	session, err := s.Answer(t.Context(), without(offer, "a=candidate"), r)
	require.NoError(t, err)
	require.NoError(t, p.SetAnswer(without(session.SDP(), "a=candidate")))
	r.await(t, "a candidate", func() bool { return len(r.candidates) > 0 })
	for _, c := range r.seen().candidates {
		require.NoError(t, p.AddCandidate(c))
	}
	awaitConnection(t, p, r)
}

func FuzzCandidate(f *testing.F) {
	f.Add("candidate:1 1 udp 2122260223 127.0.0.1 9 typ host generation 0 ufrag chrm network-id 1")
	f.Add("candidate:1 1 tcp 1518280447 3b6e.local 9 typ srflx raddr 0.0.0.0 rport 0 tcptype active")
	f.Fuzz(func(t *testing.T, text string) {
		err := CheckCandidate(sluice.ICECandidate{Candidate: text})
		require.True(t, err == nil || sluice.AsError(err).Code == "candidate_invalid")
	})
}
