package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/eventkey"
	"github.com/sluicelive/sluice/internal/sqldb"
)

// FuzzCall sends any body, with any key, to any stream: each call is answered in
// the envelope, and never as a fault of the server.
func FuzzCall(f *testing.F) {
	db, err := sqldb.Open(f.Context(), filepath.Join(f.TempDir(), "sluice.db"), slog.New(slog.DiscardHandler))
	require.NoError(f, err)
	account := sluice.Account{Name: "first"}
	require.NoError(f, db.CreateAccount(f.Context(), &account))
	key, text := sluice.NewKey(account.ID, "first", time.Now())
	require.NoError(f, db.CreateKey(f.Context(), account.ID, key))
	s := sluice.Stream{Name: "stream", Slug: "stream", Quality: "360"}
	require.NoError(f, db.CreateStream(f.Context(), account.ID, &s))
	events := bus.New(time.Now)
	calls := api.New(api.Config{
		Store: db, Live: &standIn{store: db, bus: events, now: time.Now}, Bus: events,
		EventKeys: eventkey.New([]byte(strings.Repeat("k", 32))), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	f.Cleanup(func() {
		calls.Close()
		events.Close()
		require.NoError(f, db.Close())
	})

	kinds := []struct{ method, before, after string }{
		{http.MethodPatch, "/v1/streams/", ""},
		{http.MethodPost, "/v1/streams/", "/ice"},
		{http.MethodPost, "/v1/streams/", "/init"},
		{http.MethodPost, "/v1/streams/", "/eventkey"},
		{http.MethodGet, "/v1/streams/1/events/", ""},
		{http.MethodGet, "/v1/streams/", ""},
	}
	for kind := range kinds {
		f.Add(byte(kind), "1", "Bearer "+text, `{"name":"n","slug":"1","candidate":"candidate:1 1 udp 1 192.0.2.1 1 typ host","sdp":"v=0","type":"offer","expiry_seconds":60}`)
		f.Add(byte(kind), s.PlaybackID, "Bearer "+text, `{"name":null,"session_description":{"type":"offer","sdp":"v=0\r\n"}}`)
		f.Add(byte(kind), "stream", "bearer  "+text, `[]`)
		f.Add(byte(kind), "\x00", "Bearer sluice_"+key.ID+"_0123456789abcdef", `{"name":`)
	}
	f.Fuzz(func(t *testing.T, kind byte, ref, authorization, body string) {
		if ref == "" || strings.Contains(ref, "/") {
			return // another route: that of events goes on until its reader leaves
		}
		k := kinds[int(kind)%len(kinds)]
		r := httptest.NewRequestWithContext(t.Context(), k.method, "/", strings.NewReader(body))
		r.URL.Path = k.before + ref + k.after
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		calls.ServeHTTP(w, r)
		require.Less(t, w.Code, 500, "%s", w.Body)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		if w.Code == http.StatusNoContent || strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
			return
		}
		var answer struct{ Code int }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), "%s", w.Body)
		require.Equal(t, w.Code, answer.Code)
	})
}
