package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
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
	require.Equal(t, http.StatusNotFound, s.call("GET", path, "").Code)
	require.Equal(t, http.StatusNotFound, s.call("DELETE", path, "").Code)

	require.Equal(t, "created", s.must("DELETE", s.create("never used"), "").object(t)["status"])
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
