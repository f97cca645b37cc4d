package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// section 3: the offer stands in session_description or at the top.
func TestOffer(t *testing.T) {
	for _, test := range []struct{ name, body, sdp, fails string }{
		{name: "wrapped", body: `{"slug":"s","session_description":{"type":"offer","sdp":"v=0"}}`, sdp: "v=0"},
		{name: "bare", body: `{"type":"offer","sdp":"v=0"}`, sdp: "v=0"},
		{name: "wrapped wins", body: `{"type":"offer","sdp":"v=1","session_description":{"type":"offer","sdp":"v=0"}}`, sdp: "v=0"},
		{name: "null beside bare", body: `{"session_description":null,"slug":null,"type":"offer","sdp":"v=0"}`, sdp: "v=0"},
		{name: "a byte order mark", body: "\ufeff" + `{"type":"offer","sdp":"v=0"}`, sdp: "v=0"},
		{name: "line ends around", body: "\r\n" + `{"type":"offer","sdp":"v=0"}` + "\n\n", sdp: "v=0"},
		{name: "empty", body: `{}`, fails: "sdp_required"},
		{name: "empty description", body: `{"session_description":{}}`, fails: "sdp_required"},
		{name: "no type", body: `{"sdp":"v=0"}`, fails: "sdp_type_invalid"},
		{name: "an answer", body: `{"session_description":{"type":"answer","sdp":"v=0"}}`, fails: "sdp_type_invalid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var body initBody
			require.NoError(t, jsonFormat().Unmarshal([]byte(test.body), &body))
			sdp, err := body.offer()
			require.Equal(t, test.sdp, sdp)
			if test.fails != "" {
				require.ErrorContains(t, err, test.fails)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func FuzzInitBody(f *testing.F) {
	for _, seed := range []string{
		`{"session_description":{"type":"offer","sdp":"v=0\r\n"}}`, `{"type":"offer","sdp":"v=0\r\n"}`,
		`{"session_description":null}`, `{"session_description":{"type":1}}`, `[]`, `null`, `{"sdp":"\ud800"}`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var body initBody
		if jsonFormat().Unmarshal(data, &body) != nil {
			return
		}
		sdp, err := body.offer()
		require.Equal(t, err == nil, sdp != "", "an offer or an error, never neither and never both")
	})
}
