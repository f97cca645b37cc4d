package webrtc

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

var declaredSource = regexp.MustCompile(`a=ssrc:(\d+)`)

// otherSources declares sources in an offer that its publisher does not send
// from: gateways that rewrite one of the two do that.
func otherSources(offer string) string {
	for _, match := range declaredSource.FindAllStringSubmatch(offer, -1) {
		n, err := strconv.ParseUint(match[1], 10, 32)
		if err != nil {
			panic(err)
		}
		offer = strings.ReplaceAll(offer, match[1], strconv.Itoa(int(uint32(n)^1)))
	}
	return offer
}

// TestMediaOfOddOffersFlows sends media after offers that other programs than
// browsers make: what is accepted must flow.
func TestMediaOfOddOffersFlows(t *testing.T) {
	t.Parallel()
	both := PublisherConfig{Video: media.VP8, Audio: true}
	for _, tc := range []struct {
		name   string
		cfg    PublisherConfig
		mangle func(offer string) string
	}{
		{"as it is", both, func(o string) string { return o }},
		{"without the last line end", both, strings.TrimSpace},
		{"video without a group", PublisherConfig{Video: media.VP8}, func(o string) string { return without(o, "a=group") }},
		{"audio without a group", PublisherConfig{Audio: true}, func(o string) string { return without(o, "a=group") }},
		{"video without a group and a mid", PublisherConfig{Video: media.VP8}, func(o string) string { return without(without(o, "a=group"), "a=mid") }},
		{"opus without channels", both, func(o string) string { return strings.ReplaceAll(o, "opus/48000/2", "opus/48000") }},
		{"other sources than are declared", both, otherSources},
		{"no sources", both, func(o string) string { return without(o, "a=ssrc") }},
		{"no sources of one section", both, func(o string) string { // the audio is the last section
			at := strings.Index(o, "m=audio")
			return o[:at] + without(o[at:], "a=ssrc")
		}},
		{"other sources of one section", both, func(o string) string {
			at := strings.Index(o, "m=audio")
			return otherSources(o[:at]) + o[at:]
		}},
		{"a mid of ours", both, func(o string) string {
			return strings.NewReplacer("a=mid:1", "a=mid:sources0", "BUNDLE 0 1", "BUNDLE 0 sources0").Replace(o)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, Config{Log: discard()})
			p, err := NewPublisher(tc.cfg)
			require.NoError(t, err)
			t.Cleanup(p.Close)
			offer, err := p.Offer(t.Context())
			require.NoError(t, err)
			r := newRecorder()
			session, err := s.Answer(t.Context(), tc.mangle(offer), r)
			require.NoError(t, err)
			requireNoSources(t, session.SDP())
			require.NoError(t, p.SetAnswer(session.SDP()))
			awaitConnection(t, p, r)
			sendOffered(t, p, func() bool {
				seen := r.seen()
				return (tc.cfg.Video == 0 || len(seen.frames[media.Video]) >= 10) && (!tc.cfg.Audio || len(seen.frames[media.Audio]) >= 10)
			})
		})
	}
}

// requireNoSources looks whether the answer is of the sections that were offered.
func requireNoSources(t *testing.T, answer string) {
	t.Helper()
	var desc sdp.SessionDescription
	require.NoError(t, desc.UnmarshalString(answer))
	mids := map[string]bool{}
	for _, m := range desc.MediaDescriptions {
		mid, _ := m.Attribute("mid")
		require.False(t, mids[mid])
		mids[mid] = true
	}
	group, _ := desc.Attribute("group")
	for _, mid := range strings.Fields(group) {
		require.True(t, mid == "BUNDLE" || mids[mid], group)
	}
}
