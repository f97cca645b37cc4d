package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
)

func withoutPublicURL(cfg *api.Config) { cfg.PublicURL = "" }

// The five calls of the tutorial, with the bodies that its clients send.
func TestBroadcast(t *testing.T) {
	s := newServer(t)
	path := s.create("my first stream")

	first := s.must("POST", path+"/prepare", "").object(t)
	require.Equal(t, "prepared", first["status"])
	require.NotNil(t, first["billing_start"])
	again := s.must("POST", path+"/prepare", "{}").object(t)
	require.Equal(t, first["billing_start"], again["billing_start"], "a repeat does not move billing")

	init := s.must("POST", path+"/init", `{"session_description":{"type":"offer","sdp":"v=0 wrapped"}}`)
	require.JSONEq(t, `{"type":"answer","sdp":"v=0 answer"}`, string(init.Data))
	s.must("POST", path+"/init", `{"type":"offer","sdp":"v=0 bare"}`)
	require.Equal(t, []string{"v=0 wrapped", "v=0 bare"}, s.live.offers)

	for range 2 {
		started := s.must("POST", path+"/start", "")
		require.JSONEq(t, `{
			"dash": "https://live.example.com/streams/1/manifest.mpd",
			"hls": "https://live.example.com/streams/1/master.m3u8"
		}`, string(started.Data))
	}
	live := s.must("GET", path, "").object(t)
	require.Equal(t, true, live["is_live"])
	require.Nil(t, live["end_time"], "players refuse to load when it is set")
	require.InDelta(t, 7, live["viewer_count"], 0)

	ended := s.must("POST", path+"/end", "").object(t)
	require.Equal(t, "ended", ended["status"])
	require.Equal(t, "requested", ended["end_cause"])
	require.Equal(t, ended["end_time"], ended["billing_end"])
	require.Equal(t, live["hls_url"], ended["hls_url"], "addresses stay after the end")
	require.Equal(t, ended["end_time"], s.must("POST", path+"/end", "{}").object(t)["end_time"])

	for _, call := range []string{"/prepare", "/start"} {
		a := s.call("POST", path+call, "")
		require.Equal(t, 400, a.Code)
		require.Equal(t, "stream_ended", a.Error)
	}
	require.Equal(t, 400, s.call("POST", path+"/init", `{"type":"offer","sdp":"v=0"}`).Code)
}

// section 3: what RTCIceCandidate.toJSON() makes, and what traps it lays.
func TestICECandidate(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for _, body := range []string{
		`{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"EsAw"}`,
		`{"candidate":"candidate:1 1 udp 1 x.local 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}`,
		`{"candidate":"candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active","sdpMid":null,"sdpMLineIndex":1}`,
		`{"candidate":"","sdpMid":"0"}`,
		`{}`,
	} {
		require.JSONEq(t, `true`, string(s.must("POST", path+"/ice", body).Data))
	}
	require.Len(t, s.live.candidates, 5)
	require.Equal(t, "EsAw", *s.live.candidates[0].UsernameFragment)
	require.Nil(t, s.live.candidates[1].UsernameFragment)
	require.Equal(t, uint16(1), *s.live.candidates[2].SDPMLineIndex)
}

// Each kind of error has one status.
func TestKinds(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for kind, status := range map[sluice.Kind]int{
		sluice.KindInternal: 500, sluice.KindMalformed: 400, sluice.KindInvalid: 422,
		sluice.KindForbidden: 403, sluice.KindNotFound: 404, sluice.KindState: 400,
		sluice.KindGone: 410, sluice.KindTooLarge: 413, sluice.KindUnavailable: 503,
	} {
		s.live.fail = sluice.Errorf(kind, "the_code", "the message")
		a := s.call("POST", path+"/start", "")
		require.Equal(t, status, a.Code)
		require.Equal(t, "the_code", a.Error)
		require.Equal(t, "the message", a.Message)
		require.Equal(t, status == 503, a.Header.Get("Retry-After") != "")
	}
}
