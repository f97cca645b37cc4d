package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
)

// section 3: both paths make a stream, and a slug may repeat.
func TestCreate(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/v1/streams/create", "/v1/streams", "/v1/streams/"} {
		a := s.must("POST", path, `{"name":"my first stream","slug":"my-first-stream","unknown":1}`)
		require.Equal(t, "OK", a.Message)
		got := a.object(t)
		require.Equal(t, "my-first-stream", got["slug"], "the answer echoes the slug that was sent")
		require.Equal(t, "created", got["status"])
		require.Equal(t, "720", got["quality"], "quality is a string")
		require.InDelta(t, float64(s.account), got["created_by"], 0)
		require.Empty(t, got["hls_url"])
	}
	newest := s.must("GET", "/v1/streams/my-first-stream", "")
	require.InDelta(t, 3, newest.object(t)["id"], 0, "a slug means the newest stream that has it")
}

func TestCreateFillsIn(t *testing.T) {
	s := newServer(t)
	for _, body := range []string{
		`{"name":"Über Stream 1"}`,
		`{"name":"Über Stream 1","slug":""}`,
		`{"name":"Über Stream 1","slug":null,"description":null,"quality":null}`,
	} {
		got := s.must("POST", "/v1/streams/create", body).object(t)
		require.Equal(t, "ber-stream-1", got["slug"])
	}
	require.Equal(t, "360", s.must("POST", "/v1/streams/create", `{"name":"n","quality":"360"}`).object(t)["quality"])
}

// section 3: paged, newest first, live filter, with and without trailing slash.
func TestList(t *testing.T) {
	s := newServer(t)
	for i := range 5 {
		s.create(fmt.Sprintf("stream %d", i+1))
	}
	s.must("POST", "/v1/streams/2/prepare", "")
	s.must("POST", "/v1/streams/2/start", "")
	s.callAs(s.otherKey, "POST", "/v1/streams", `{"name":"not yours"}`)

	for _, test := range []struct {
		query              string
		ids                []int
		page, limit, pages int
		total              int
	}{
		{query: "", ids: []int{5, 4, 3, 2, 1}, page: 1, limit: 10, total: 5, pages: 1},
		{query: "?page=1&page_size=2", ids: []int{5, 4}, page: 1, limit: 2, total: 5, pages: 3},
		{query: "?page=3&page_size=2", ids: []int{1}, page: 3, limit: 2, total: 5, pages: 3},
		{query: "?page=9", ids: []int{}, page: 9, limit: 10, total: 5, pages: 1},
		{query: "?live=true", ids: []int{2}, page: 1, limit: 10, total: 1, pages: 1},
		{query: "?live=false", ids: []int{5, 4, 3, 1}, page: 1, limit: 10, total: 4, pages: 1},
	} {
		for _, path := range []string{"/v1/streams", "/v1/streams/"} {
			t.Run(path+test.query, func(t *testing.T) {
				a := s.must("GET", path+test.query, "")
				var list []struct{ ID int }
				require.NoError(t, json.Unmarshal(a.Data, &list))
				ids := make([]int, len(list))
				for i := range list {
					ids[i] = list[i].ID
				}
				require.Equal(t, test.ids, ids)
				require.Equal(t, test.page, a.Meta.Page)
				require.Equal(t, test.limit, a.Meta.Limit)
				require.Equal(t, test.total, a.Meta.TotalRecords)
				require.Equal(t, test.pages, a.Meta.TotalPages)
			})
		}
	}
}

// rule 2: errors of lists carry meta.
func TestListErrorsCarryMeta(t *testing.T) {
	s := newServer(t)
	forbidden := s.callAs("wrong", "GET", "/v1/streams", "")
	require.Equal(t, 403, forbidden.Code)
	require.NotNil(t, forbidden.Meta)
	invalid := s.call("GET", "/v1/streams?page=0", "")
	require.Equal(t, 422, invalid.Code)
	require.NotNil(t, invalid.Meta)
}

func TestUpdate(t *testing.T) {
	s := newServer(t)
	path := s.create("old name")
	whole := s.must("GET", path, "")

	got := s.must("PATCH", path, `{"name":"new name"}`).object(t)
	require.Equal(t, "new name", got["name"])
	require.Equal(t, "old-name", got["slug"], "what is left out stays")

	got = s.must("PUT", path, string(whole.Data)).object(t)
	require.Equal(t, "old name", got["name"], "the whole object is accepted")

	require.Equal(t, 422, s.call("PATCH", path, `{"name":""}`).Code)
	require.Equal(t, "old name", s.must("GET", path, "").object(t)["name"])
}

// section 3: deleting ends it first when live.
func TestDelete(t *testing.T) {
	s := newServer(t)
	path := s.create("short lived")
	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/start", "")
	got := s.must("DELETE", path, "").object(t)
	require.Equal(t, "ended", got["status"])
	require.Equal(t, []sluice.StreamID{1}, s.live.removed, "its media are off the air")
	require.Equal(t, http.StatusNotFound, s.call("GET", path, "").Code)
	require.Equal(t, http.StatusNotFound, s.call("DELETE", path, "").Code)

	require.Equal(t, "created", s.must("DELETE", s.create("never used"), "").object(t)["status"])

	ended := s.create("over")
	s.must("POST", ended+"/prepare", "")
	s.must("POST", ended+"/end", "")
	s.must("DELETE", ended, "")
	require.Equal(t, []sluice.StreamID{1, 3}, s.live.removed, "what has ended is taken off the air, too")
}

// Without a public URL the addresses take scheme and host of the request, and
// never what a client claims was forwarded.
func TestAddressesFollowTheRequest(t *testing.T) {
	s := newServer(t, withoutPublicURL)
	path := s.create("stream")
	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/start", "")
	a := s.call("GET", path, "", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https")
	require.Equal(t, s.URL+"/streams/1/master.m3u8", a.object(t)["hls_url"])
}

// S13: what the server is called is not what a request says it is.
func TestAddressesKeepToTheServersNames(t *testing.T) {
	s := newServer(t, withoutPublicURL, func(cfg *api.Config) {
		cfg.Host = func(string) string { return "live.example.com" }
	})
	path := s.create("stream")
	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/start", "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody)
	require.NoError(t, err)
	req.Host = "evil.example"
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	a := readAnswer(t, res)
	require.Equal(t, "http://live.example.com/streams/1/master.m3u8", a.object(t)["hls_url"])
	require.NotContains(t, a.raw, "evil")
}

// S13: no cache keeps an answer, and no browser takes one for a page.
func TestAnswersAreNotKept(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for _, call := range []struct{ method, path string }{
		{"GET", path},
		{"GET", "/v1/streams"},
		{"POST", path + "/eventkey"},
		{"POST", "/v1/auth/eventkey"},
		{"POST", path + "/prepare"},
		{"GET", "/v1/streams/99"},
		{"GET", "/v1/nothing"},
		{"PUT", "/v1/streams"},
		{"POST", "/v1/streams"},
		{"OPTIONS", path},
		{"GET", "/v1//x"},
		{"GET", path + "/events/wrong"},
	} {
		res := s.do(call.method, call.path, "", "Authorization", "Bearer "+s.key)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"), call)
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), call)
	}
	events := s.subscribe(path + "/events")
	require.Contains(t, events.Header.Get("Cache-Control"), "no-store")
	require.Equal(t, "nosniff", events.Header.Get("X-Content-Type-Options"))
}

// S7: a slug is one account's name for a stream. Without a key it leads
// somewhere only where it cannot mean another account's.
func TestASlugOfSeveralAccountsIsNotPublic(t *testing.T) {
	s := newServer(t)
	const show = "/v1/streams/friday-show"
	s.must("POST", "/v1/streams/create", `{"name":"a","slug":"friday-show"}`)
	require.InDelta(t, 1, s.callAs("", "GET", show, "").object(t)["id"], 0, "one account uses it")

	require.Equal(t, 200, s.callAs(s.otherKey, "POST", "/v1/streams/create", `{"name":"hijack","slug":"friday-show"}`).Code)
	require.InDelta(t, 1, s.callAs(s.key, "GET", show, "").object(t)["id"], 0)
	require.InDelta(t, 2, s.callAs(s.otherKey, "GET", show, "").object(t)["id"], 0)
	require.Equal(t, 404, s.callAs("", "GET", show, "").Code)
	require.Equal(t, 404, s.callAs("", "GET", show+"/events", "").Code)
	require.Equal(t, 404, s.callAs("sluice_wrong_key", "GET", show, "").Code)
}

// S7 and D6: a stream's random id stands wherever its number does.
func TestPlaybackID(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	stream := s.must("GET", path, "").object(t)
	id, ok := stream["playback_id"].(string)
	require.True(t, ok)
	require.Regexp(t, `^pb_[0-9a-f]{32}$`, id, "128 bits, in an address as they are")
	byID := "/v1/streams/" + id
	require.InDelta(t, 1, s.callAs("", "GET", byID, "").object(t)["id"], 0)
	require.InDelta(t, 1, s.callAs(s.otherKey, "GET", byID, "").object(t)["id"], 0, "a key of another account is no hindrance")
	require.Equal(t, 404, s.callAs(s.otherKey, "POST", byID+"/prepare", "").Code)

	viewer := s.subscribe(byID + "/events").opened()
	publisher := s.subscribe(byID + "/events/" + s.eventKey(byID)).opened()
	s.must("POST", byID+"/prepare", "")
	viewer.expect("streamReady")
	publisher.expect("streamReady")
	require.Equal(t, id, s.must("PATCH", byID, `{"name":"new","playback_id":"pb_00000000000000000000000000000000"}`).object(t)["playback_id"])
}

// B10: a slug that reads as something else that stands in its place.
func TestSlugsThatReadAsSomethingElse(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	id := s.must("GET", path, "").object(t)["playback_id"]
	for _, slug := range []any{"1", "777", "007", "-1", "99999999999999999999", id, "create", "undefined"} {
		body := fmt.Sprintf(`{"name":"n","slug":%q}`, slug)
		for _, call := range []struct{ method, path string }{{"POST", "/v1/streams/create"}, {"PATCH", path}, {"PUT", path}} {
			a := s.call(call.method, call.path, body)
			require.Equal(t, 422, a.Code, "%s %s", call.method, body)
			require.Equal(t, "slug_invalid", a.Error)
		}
	}
}

// While streams cannot be private, a key of another account hides none of them.
func TestAnotherAccountsKeySeesWhatAnybodySees(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	require.Equal(t, s.callAs("", "GET", path, "").raw, s.callAs(s.otherKey, "GET", path, "").raw)
}
