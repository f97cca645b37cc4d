package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
)

// operation is one call that the OpenAPI document lists.
type operation struct {
	id, method, path string
	keyed            bool
}

// operations reads the calls under /v1 from the document, so that a route
// nobody thought of here is tested all the same.
func (s *server) operations() []operation {
	s.t.Helper()
	res := s.do("GET", "/openapi.json", "")
	defer func() { require.NoError(s.t, res.Body.Close()) }()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []any
		}
	}
	require.NoError(s.t, json.NewDecoder(res.Body).Decode(&doc))
	var ops []operation
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if strings.HasPrefix(path, "/v1/") {
				ops = append(ops, operation{op.OperationID, strings.ToUpper(method), path, len(op.Security) > 0})
			}
		}
	}
	require.Greater(s.t, len(ops), 15)
	return ops
}

// body is one that the operation takes.
func (o operation) body() string {
	switch o.id {
	case "create-stream", "create-stream-short":
		return `{"name":"name"}`
	case "init-stream":
		return `{"type":"offer","sdp":"v=0"}`
	case "update-stream", "replace-stream", "add-ice-candidate":
		return `{}`
	}
	return ""
}

// rule 3: every way of not having a key is 403, never 401, and says the same.
func TestKeyIsNeeded(t *testing.T) {
	begun := time.Now()
	var minutes atomic.Int64 // one wrong key a minute is no attack
	s := newServer(t, func(cfg *api.Config) {
		cfg.Now = func() time.Time { return begun.Add(time.Duration(minutes.Add(1)) * time.Minute) }
	})
	s.create("stream")
	revoked, text := sluice.NewKey(s.account, "revoked", time.Now())
	require.NoError(t, s.db.CreateKey(t.Context(), s.account, revoked))
	require.Equal(t, 200, s.callAs(text, "GET", "/v1/streams", "").Code)
	require.NoError(t, s.db.RevokeKey(t.Context(), s.account, revoked.ID, time.Now()))

	var bodies []string
	for _, op := range s.operations() {
		if !op.keyed {
			continue
		}
		path := strings.ReplaceAll(op.path, "{id}", "1")
		for _, header := range []string{
			"", " ", "Bearer", "Bearer ", "Bearer wrong", "Basic " + s.key, s.key,
			"Bearer " + s.key + "x", "Bearer " + s.key[:len(s.key)-1], "Bearer undefined", "Bearer " + text,
		} {
			a := s.callAs("", op.method, path, op.body(), "Authorization", header, "Cookie", "key="+s.key)
			require.Equal(t, http.StatusForbidden, a.Code, "%s with %q: %s", op.id, header, a.raw)
			require.Equal(t, "key_invalid", a.Error)
			if op.id != "list-streams" { // which carries meta
				bodies = append(bodies, a.raw)
			}
		}
		a := s.callAs("", op.method, path, op.body())
		require.Equal(t, http.StatusForbidden, a.Code)
	}
	for _, body := range bodies {
		require.Equal(t, bodies[0], body, "the answer does not tell what was wrong with the key")
	}
	require.Equal(t, "created", s.must("GET", "/v1/streams/1", "").object(t)["status"], "nothing was done")
}

// rule 3: calls that need no key take any header.
func TestKeyIsNotNeeded(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	for _, header := range []string{"", "Bearer wrong", "Bearer " + s.otherKey, "nonsense"} {
		require.Equal(t, 200, s.callAs("", "GET", path, "", "Authorization", header).Code)
	}
}

// rule 6 and F24: on every route that names a stream, another account's is as
// absent as one that never was, to the byte.
func TestOtherAccount(t *testing.T) {
	s := newServer(t)
	s.create("first account's")
	s.must("POST", "/v1/streams/1/prepare", "")
	before := s.must("GET", "/v1/streams/1", "").raw

	for _, op := range s.operations() {
		if !op.keyed || !strings.Contains(op.path, "{id}") {
			continue
		}
		for _, ref := range []string{"1", "first-account-s"} {
			t.Run(op.id+" "+ref, func(t *testing.T) {
				s.t = t
				theirs := s.callAs(s.otherKey, op.method, strings.ReplaceAll(op.path, "{id}", ref), op.body())
				never := s.callAs(s.otherKey, op.method, strings.ReplaceAll(op.path, "{id}", "99"), op.body())
				require.Equal(t, http.StatusNotFound, theirs.Code, theirs.raw)
				require.Equal(t, never.raw, theirs.raw)
			})
		}
	}
	s.t = t
	require.Equal(t, before, s.must("GET", "/v1/streams/1", "").raw, "nothing was done")
	require.JSONEq(t, `[]`, string(s.callAs(s.otherKey, "GET", "/v1/streams", "").Data))
}

// Revoking acts at once, and last-used is recorded beside the requests, at most
// once a minute.
func TestLastUsed(t *testing.T) {
	s := newServer(t)
	keyOf := func() sluice.Key {
		k, err := s.db.Key(t.Context(), s.account, sluice.KeyID(s.key))
		require.NoError(t, err)
		return k
	}
	require.Nil(t, keyOf().LastUsedAt)
	s.must("GET", "/v1/streams", "")
	require.Eventually(t, func() bool { return keyOf().LastUsedAt != nil }, 5*time.Second, 5*time.Millisecond)
	first := *keyOf().LastUsedAt
	for range 5 {
		s.must("GET", "/v1/streams", "")
	}
	require.Equal(t, first, *keyOf().LastUsedAt)
}

// What is documented is served and what is served is documented.
func TestDocument(t *testing.T) {
	s := newServer(t)
	ops := s.operations()
	have := make([]string, 0, len(ops))
	for _, op := range ops {
		have = append(have, fmt.Sprintf("%s %s", op.method, op.path))
	}
	require.ElementsMatch(t, []string{
		"POST /v1/streams/create", "POST /v1/streams", "GET /v1/streams", "GET /v1/streams/{id}",
		"PUT /v1/streams/{id}", "PATCH /v1/streams/{id}", "DELETE /v1/streams/{id}",
		"POST /v1/streams/{id}/prepare", "POST /v1/streams/{id}/init", "POST /v1/streams/{id}/ice",
		"POST /v1/streams/{id}/start", "POST /v1/streams/{id}/end",
		"POST /v1/streams/{id}/eventkey", "POST /v1/auth/eventkey",
		"GET /v1/streams/{id}/events", "GET /v1/streams/{id}/events/{eventkey}",
	}, have)
}

// S12: wrong keys are slowed and told of, and never lock the right one out.
func TestManyWrongKeys(t *testing.T) {
	start := time.Now()
	var later atomic.Int64
	s := newServer(t, func(cfg *api.Config) {
		cfg.Now = func() time.Time { return start.Add(time.Duration(later.Load())) }
	})
	wrong := s.key[:len(s.key)-4] + "wron"
	other := "a wrong key that has no public part"
	var refused, slowed int
	bodies := map[string]bool{}
	for range 500 {
		for _, key := range []string{wrong, other} {
			a := s.callAs(key, "POST", "/v1/streams", `{"name":"n"}`)
			switch a.Code {
			case http.StatusForbidden:
				refused++
			case http.StatusTooManyRequests:
				slowed++
				bodies[a.raw] = true
				require.Equal(t, "3", a.Header.Get("Retry-After"))
			default:
				require.Fail(t, a.raw)
			}
		}
	}
	require.Equal(t, 20, refused, "of this address, whatever key they give themselves out for")
	require.Equal(t, 980, slowed)
	require.Len(t, bodies, 1, "all are told the same")
	require.Equal(t, 200, s.callAs(s.key, "GET", "/v1/streams", "").Code, "the right key is let in")
	require.Equal(t, 403, s.callAs("", "GET", "/v1/streams", "").Code, "no key is no attempt")
	require.Equal(t, 404, s.callAs(wrong, "GET", "/v1/streams/99", "").Code, "where no key is needed, none is looked for")

	require.Equal(t, 1, strings.Count(s.log.String(), "wrong application keys"), s.log.String())
	for _, secret := range []string{wrong, other, s.key} {
		require.NotContains(t, s.log.String(), secret)
	}
	later.Store(int64(6 * time.Second))
	codes := make([]int, 0, 3)
	for range 3 {
		codes = append(codes, s.callAs(wrong, "GET", "/v1/streams", "").Code)
	}
	require.Equal(t, []int{403, 403, 429}, codes, "one more each three seconds")
}
