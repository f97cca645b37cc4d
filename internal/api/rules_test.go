package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
)

// rule 4 and F20: what is wrong with a body, and where.
func TestBadBodies(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for _, test := range []struct {
		name, method, path, body string
		code                     int
		names                    string // what the message names
	}{
		{"broken JSON", "POST", "/v1/streams/create", `{"name": }`, 400, "byte 10"},
		{"cut off JSON", "POST", "/v1/streams/create", `{"name":"x`, 400, "byte 10"},
		{"no body", "POST", "/v1/streams/create", ``, 400, "body"},
		{"deep JSON", "POST", "/v1/streams/create", strings.Repeat("[", 100_000), 400, "depth"},
		{"an array", "POST", "/v1/streams/create", `[]`, 422, "object"},
		{"name missing", "POST", "/v1/streams/create", `{}`, 422, "name"},
		{"name empty", "POST", "/v1/streams/create", `{"name":" "}`, 422, "name"},
		{"name of a wrong type", "POST", "/v1/streams/create", `{"name":1}`, 422, "name"},
		{"name too long", "POST", "/v1/streams/create", `{"name":"` + strings.Repeat("n", 201) + `"}`, 422, "name"},
		{"quality unknown", "POST", "/v1/streams/create", `{"name":"n","quality":"999"}`, 422, "quality"},
		{"10 MB", "POST", "/v1/streams/create", `{"name":"` + strings.Repeat("n", 10<<20) + `"}`, 413, "longer"},
		{"10 MB where no body is read", "POST", path + "/prepare", strings.Repeat(" ", 10<<20), 413, "longer"},
		{"expiry zero", "POST", path + "/eventkey", `{"expiry_seconds":0}`, 422, "expiry_seconds"},
		{"expiry over a day", "POST", path + "/eventkey", `{"expiry_seconds":86401}`, 422, "expiry_seconds"},
		{"expiry a fraction", "POST", "/v1/auth/eventkey", `{"expiry_seconds":1.5}`, 422, "expiry_seconds"},
		{"expiry a word", "POST", "/v1/auth/eventkey", `{"expiry_seconds":"1h"}`, 422, "expiry_seconds"},
		{"no SDP", "POST", path + "/init", `{}`, 422, "session_description.sdp"},
		{"an answer for an offer", "POST", path + "/init", `{"type":"answer","sdp":"v=0"}`, 422, "session_description.type"},
		{"SDP of a wrong type", "POST", path + "/init", `{"session_description":{"type":"offer","sdp":1}}`, 422, "session_description.sdp"},
		{"m-line below zero", "POST", path + "/ice", `{"sdpMLineIndex":-1}`, 422, "sdpMLineIndex"},
		{"m-line too high", "POST", path + "/ice", `{"sdpMLineIndex":65536}`, 422, "sdpMLineIndex"},
		{"page zero", "GET", "/v1/streams?page=0", ``, 422, "page"},
		{"page a word", "GET", "/v1/streams?page=x", ``, 422, "page"},
		{"page size too great", "GET", "/v1/streams?page_size=101", ``, 422, "page_size"},
		{"live neither", "GET", "/v1/streams?live=perhaps", ``, 422, "live"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			a := s.call(test.method, test.path, test.body, "Content-Type", "application/json")
			require.Equal(t, test.code, a.Code, a.raw)
			require.Contains(t, a.Message, test.names)
			require.Less(t, len(a.raw), 1000, "a body is not sent back")
		})
	}
}

// rule 4: an empty body under Content-Type JSON, and JSON without a type.
func TestBodiesThatAreFine(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for _, call := range []string{"/prepare", "/eventkey", "/start", "/end"} {
		require.Equal(t, 200, s.call("POST", path+call, "", "Content-Type", "application/json").Code)
	}
	for _, contentType := range []string{"", "text/plain;charset=UTF-8", "application/json; charset=utf-8"} {
		require.Equal(t, 200, s.call("POST", "/v1/streams", `{"name":"n"}`, "Content-Type", contentType).Code, contentType)
	}
}

// rule 7 and more: what is not there.
func TestNotFound(t *testing.T) {
	s := newServer(t)
	s.create("stream")
	for _, test := range []struct {
		method, path string
		code         int
		reason       string
		allow        string
	}{
		{"POST", "/v1/streams/undefined/prepare", 404, "stream_not_found", ""},
		{"GET", "/v1/streams/undefined", 404, "stream_not_found", ""},
		{"GET", "/v1/streams/99", 404, "stream_not_found", ""},
		{"GET", "/v1/streams/0", 404, "stream_not_found", ""},
		{"GET", "/v1/streams/-1", 404, "stream_not_found", ""},
		{"GET", "/v1/streams/99999999999999999999", 404, "stream_not_found", ""},
		{"GET", "/v1/streams/%2e%2e%2fetc", 404, "", ""},
		{"GET", "/v1/streams/%00", 404, "stream_not_found", ""},
		{"GET", "/v1/nothing", 404, "route_not_found", ""},
		{"POST", "/v1/streams//prepare", 404, "route_not_found", ""},
		{"GET", "/v1/../v1/streams", 404, "route_not_found", ""},
		{"GET", "/v1", 404, "route_not_found", ""},
		{"POST", "/v1/streams/1/events", 405, "method_not_allowed", "GET, HEAD, OPTIONS"},
		{"DELETE", "/v1/streams", 405, "method_not_allowed", "GET, HEAD, POST, OPTIONS"},
		{"GET", "/v1/streams/1/start", 405, "method_not_allowed", "POST, OPTIONS"},
		{"POST", "/v1/streams/1", 405, "method_not_allowed", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			s.t = t
			a := s.call(test.method, test.path, "")
			require.Equal(t, test.code, a.Code, a.raw)
			require.Equal(t, test.allow, a.Header.Get("Allow"))
			if test.reason != "" {
				require.Equal(t, test.reason, a.Error)
			}
		})
	}
}

// rule 5: CORS on every path and on errors.
func TestCORS(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for _, origin := range []string{"https://app.example", "http://localhost:3000", "null"} {
		for _, call := range []struct{ method, path string }{
			{"GET", path},
			{"GET", "/v1/streams"},
			{"GET", "/v1/streams/99"},
			{"GET", "/v1/nothing"},
			{"DELETE", "/v1/streams"},
			{"GET", path + "/events/bad"},
			{"GET", "/openapi.json"},
			{"OPTIONS", path},
			{"OPTIONS", "/v1/nothing"},
			{"OPTIONS", path + "/events/any"},
			{"OPTIONS", "/v1/streams/"},
		} {
			res := s.do(call.method, call.path, "", "Origin", origin)
			require.NoError(t, res.Body.Close())
			h := res.Header
			require.Equal(t, origin, h.Get("Access-Control-Allow-Origin"), call)
			require.Equal(t, "true", h.Get("Access-Control-Allow-Credentials"))
			require.Contains(t, h.Values("Vary"), "Origin")
			for _, name := range []string{"Authorization", "Content-Type", "If-Match", "If-None-Match"} {
				require.Contains(t, h.Get("Access-Control-Allow-Headers"), name)
			}
			for _, name := range []string{"PUT", "PATCH", "DELETE"} {
				require.Contains(t, h.Get("Access-Control-Allow-Methods"), name)
			}
			for _, name := range []string{"Location", "Link", "ETag", "Date"} {
				require.Contains(t, h.Get("Access-Control-Expose-Headers"), name)
			}
			require.NotEmpty(t, h.Get("Access-Control-Max-Age"))
			if call.method == http.MethodOptions {
				require.Equal(t, http.StatusNoContent, res.StatusCode)
			}
		}
	}
	res := s.do("GET", path, "")
	require.NoError(t, res.Body.Close())
	require.Empty(t, res.Header.Get("Access-Control-Allow-Origin"), "no origin, nothing to reflect")
	require.Contains(t, res.Header.Values("Vary"), "Origin")
}

// A panic in a handler is a 500 in the envelope, with nothing of it in the text.
func TestPanic(t *testing.T) {
	s := newServer(t, func(cfg *api.Config) {
		cfg.Viewers = func(sluice.StreamID) int { panic("secret cause") }
	})
	a := s.call("POST", "/v1/streams/create", `{"name":"n"}`, "Origin", "https://app.example")
	require.Equal(t, 500, a.Code)
	require.Equal(t, "internal", a.Error)
	require.NotContains(t, a.raw, "secret cause")
	require.NotEmpty(t, a.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, s.log.String(), "secret cause")
	require.Equal(t, 404, s.call("GET", "/v1/streams/99", "").Code, "the server goes on")
}

// An error nobody classified is a 500 whose text stays in the log.
func TestInternalErrorsStayInside(t *testing.T) {
	s := newServer(t)
	s.live.fail = errors.New("secret cause")
	a := s.call("POST", s.create("stream")+"/start", "")
	require.Equal(t, 500, a.Code)
	require.NotContains(t, a.raw, "secret cause")
	require.Contains(t, s.log.String(), "secret cause")
}
