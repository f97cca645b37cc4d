package api

import (
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/eventkey"
)

// served walks the mux: the patterns that it serves. Nothing else knows of a route
// that is registered past the table.
func served(t *testing.T, mux *http.ServeMux) []string {
	t.Helper()
	index := reflect.ValueOf(mux).Elem().FieldByName("index")
	require.True(t, index.IsValid(), "another Go keeps patterns elsewhere: see net/http/routing_index.go")
	patterns := map[string]bool{}
	collect := func(list reflect.Value) {
		for i := range list.Len() {
			patterns[list.Index(i).Elem().FieldByName("str").String()] = true
		}
	}
	collect(index.FieldByName("multis"))
	for segments := index.FieldByName("segments").MapRange(); segments.Next(); {
		collect(segments.Value())
	}
	return slices.Sorted(maps.Keys(patterns))
}

// Every route that is served is in the table, and the other way around.
func TestTheTableIsWhatIsServed(t *testing.T) {
	a := New(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	defer a.Close()
	require.Equal(t, slices.Sorted(maps.Keys(a.routes.table)), served(t, a.routes.mux))

	for _, pattern := range []string{"GET /v1/past/the/table", "/v1/all/", "POST /{past}"} {
		a.routes.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
		require.Contains(t, served(t, a.routes.mux), pattern, "one that is registered past the table is seen")
	}
}

// S8: every route, also those that huma does not serve, says what it needs. A
// new one that anybody may take has to be added here.
func TestEveryRouteSaysWhatItNeeds(t *testing.T) {
	a := New(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	defer a.Close()
	var open []string
	for pattern, d := range a.routes.table {
		if d.needs == public {
			open = append(open, pattern)
			continue
		}
		require.Contains(t, scopes(), d.needs, pattern)
	}
	require.ElementsMatch(t, []string{
		"GET /v1/streams/{id}", "GET /v1/streams/{id}/events", "GET /v1/streams/{id}/events/{eventkey}",
		"GET /openapi.json", "/",
	}, open)

	documented := map[string]bool{}
	for path, item := range a.huma.OpenAPI().Paths {
		for method, op := range map[string]any{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			documented[method+" "+path] = op != nil
		}
	}
	for pattern := range a.routes.table {
		if pattern == "/" || pattern == "GET /openapi.json" {
			continue
		}
		require.True(t, documented[pattern], "%s is served and not documented; there is %v", pattern, slices.Sorted(maps.Keys(documented)))
	}
}

// A route that forgets to say what it needs keeps the server from starting.
func TestForgottenRoutes(t *testing.T) {
	a := New(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	defer a.Close()
	require.PanicsWithValue(t, `route "GET /v1/forgotten" was not declared: say what it needs`, func() {
		a.routes.HandleFunc("GET /v1/forgotten", func(http.ResponseWriter, *http.Request) {})
	})
	for _, needs := range []access{"", "streams", "public "} {
		require.Panics(t, func() {
			a.routes.handle(needs, "GET /v1/forgotten", func(http.ResponseWriter, *http.Request) {})
		}, needs)
	}
}

// The zero principal is a stranger. A principal of no account, which only a
// mistake can make, may do no more.
func TestStrangersMayDoWhatIsPublic(t *testing.T) {
	some := principal{Owner: eventkey.Owner{Account: 1, Key: "k"}, scopes: []access{streamsRead}}
	for name, test := range map[string]struct {
		who   principal
		needs access
		may   bool
	}{
		"a stranger, where it is public":       {principal{}, public, true},
		"a stranger, where it is not":          {principal{}, streamsRead, false},
		"a stranger, where it is not said":     {principal{}, "", false},
		"all scopes of no account":             {principal{scopes: scopes()}, streamsWrite, false},
		"a scope that it has":                  {some, streamsRead, true},
		"a scope that it has not":              {some, streamsWrite, false},
		"some, where it is not said":           {some, "", false},
		"an empty scope is none":               {principal{Owner: some.Owner, scopes: []access{""}}, streamsRead, false},
		"an account without a scope":           {principal{Owner: eventkey.Owner{Account: sluice.AccountID(1)}}, streamsRead, false},
		"an account, where it is public":       {some, public, true},
		"an empty scope, where it is not said": {principal{Owner: some.Owner, scopes: []access{""}}, "", false},
	} {
		require.Equal(t, test.may, test.who.may(test.needs), name)
	}
}
