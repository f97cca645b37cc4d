package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/eventkey"
	"github.com/sluicelive/sluice/internal/sqldb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const publicURL = "https://live.example.com"

// server is the real API over a real database, with two accounts.
type server struct {
	*httptest.Server
	t         *testing.T
	db        *sqldb.DB
	bus       *bus.Bus
	eventKeys *eventkey.Keys
	live      *standIn
	log       *strings.Builder

	account, other sluice.AccountID
	owner          eventkey.Owner // of the first account's event keys
	key, otherKey  string
}

func newServer(t *testing.T, options ...func(*api.Config)) *server {
	t.Helper()
	s := &server{t: t, log: &strings.Builder{}, bus: bus.New(time.Now), eventKeys: eventkey.New([]byte(strings.Repeat("k", 32)))}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"), log)
	require.NoError(t, err)
	s.db = db
	s.live = &standIn{store: db, bus: s.bus, now: time.Now}
	s.account, s.key = s.addAccount("first")
	s.other, s.otherKey = s.addAccount("second")
	s.owner = eventkey.Owner{Account: s.account, Key: sluice.KeyID(s.key)}

	cfg := api.Config{
		Store: db, Live: s.live, Bus: s.bus, EventKeys: s.eventKeys,
		PublicURL: publicURL + "/", Now: time.Now, Log: log,
		Viewers: func(sluice.StreamID) int { return 7 },
	}
	for _, option := range options {
		option(&cfg)
	}
	handler := api.New(cfg)
	s.Server = httptest.NewServer(handler)
	t.Cleanup(func() {
		s.bus.Close()
		s.CloseClientConnections()
		s.Close()
		handler.Close()
		require.NoError(t, db.Close())
	})
	return s
}

func (s *server) addAccount(name string) (sluice.AccountID, string) {
	s.t.Helper()
	account := &sluice.Account{Name: name, CreatedAt: time.Now()}
	require.NoError(s.t, s.db.CreateAccount(s.t.Context(), account))
	key, text := sluice.NewKey(account.ID, name, time.Now())
	require.NoError(s.t, s.db.CreateKey(s.t.Context(), account.ID, key))
	return account.ID, text
}

// answer is a JSON answer with its envelope opened.
type answer struct {
	*http.Response
	raw     string
	Code    int
	Message string
	Data    json.RawMessage
	Error   string
	Meta    *struct {
		Page, Limit  int
		TotalRecords int `json:"total_records"`
		TotalPages   int `json:"total_pages"`
	}
}

// object is the data of an answer as a JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(a.Data, &m), a.raw)
	return m
}

// call sends a request as the first account and checks what holds for every
// JSON answer: its type, and that code is the status.
func (s *server) call(method, path, body string, headers ...string) answer {
	s.t.Helper()
	return s.callAs(s.key, method, path, body, headers...)
}

func (s *server) callAs(key, method, path, body string, headers ...string) answer {
	s.t.Helper()
	if key != "" {
		headers = append([]string{"Authorization", "Bearer " + key}, headers...)
	}
	res := s.do(method, path, body, headers...)
	defer func() { require.NoError(s.t, res.Body.Close()) }()
	return readAnswer(s.t, res)
}

// readAnswer opens the envelope of an answer.
func readAnswer(t *testing.T, res *http.Response) answer {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	a := answer{Response: res, raw: string(raw)}
	require.Equal(t, "application/json", res.Header.Get("Content-Type"), a.raw)
	require.NoError(t, json.Unmarshal(raw, &a), a.raw)
	require.Equal(t, res.StatusCode, a.Code, "the status is the code")
	if a.Code != http.StatusOK {
		require.JSONEq(t, `""`, string(a.Data), "data of an error is an empty string")
		require.NotEmpty(t, a.Message)
		require.NotEmpty(t, a.Error)
	}
	return a
}

func (s *server) do(method, path, body string, headers ...string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	setHeaders(req, headers)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	require.NoError(s.t, err)
	return res
}

// setHeaders sets names and values that stand by turns.
func setHeaders(r *http.Request, headers []string) {
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[len(pair)-1])
	}
}

// create makes a stream and returns its path.
func (s *server) create(name string) string {
	s.t.Helper()
	a := s.call("POST", "/v1/streams/create", fmt.Sprintf(`{"name":%q}`, name))
	require.Equal(s.t, 200, a.Code, a.raw)
	return fmt.Sprintf("/v1/streams/%v", a.object(s.t)["id"])
}

func (s *server) must(method, path, body string) answer {
	s.t.Helper()
	a := s.call(method, path, body)
	require.Equal(s.t, 200, a.Code, a.raw)
	return a
}

// standIn makes the transitions of a broadcast on the real store and publishes
// their events, with no media behind them.
type standIn struct {
	store sluice.Store
	bus   *bus.Bus
	now   func() time.Time
	fail  error // given by Start when set

	offers     []string
	candidates []sluice.ICECandidate
	removed    []sluice.StreamID
}

func (l *standIn) Prepare(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error) {
	return l.change(ctx, account, id, sluice.EventReady, func(s *sluice.Stream) error { return s.Prepare(l.now()) })
}

func (l *standIn) Init(ctx context.Context, account sluice.AccountID, id sluice.StreamID, offer string) (string, error) {
	s, err := l.store.Stream(ctx, account, sluice.StreamRef{ID: id})
	if err == nil {
		err = s.CheckPublish()
	}
	if err != nil {
		return "", err
	}
	l.offers = append(l.offers, offer)
	session := fmt.Sprintf("session-%d", len(l.offers))
	l.bus.NewSession(id, session)
	l.bus.Publish(sluice.Event{
		StreamID: id, Type: sluice.EventICECandidate, Session: session,
		Data: fmt.Appendf(nil, `{"candidate":%q,"sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"u"}`, session),
	})
	return "v=0 answer", nil
}

func (l *standIn) AddCandidate(ctx context.Context, account sluice.AccountID, id sluice.StreamID, c sluice.ICECandidate) error {
	if _, err := l.store.Stream(ctx, account, sluice.StreamRef{ID: id}); err != nil {
		return err
	}
	l.candidates = append(l.candidates, c)
	return nil
}

func (l *standIn) Start(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error) {
	if l.fail != nil {
		return nil, l.fail
	}
	return l.change(ctx, account, id, sluice.EventStarted, func(s *sluice.Stream) error { return s.Start(l.now()) })
}

func (l *standIn) End(ctx context.Context, account sluice.AccountID, id sluice.StreamID, cause sluice.EndCause) (*sluice.Stream, error) {
	return l.change(ctx, account, id, sluice.EventEnded, func(s *sluice.Stream) error { return s.End(l.now(), cause) })
}

func (l *standIn) Remove(ctx context.Context, account sluice.AccountID, id sluice.StreamID) (*sluice.Stream, error) {
	l.removed = append(l.removed, id)
	return l.End(ctx, account, id, sluice.EndRequested)
}

func (l *standIn) change(ctx context.Context, account sluice.AccountID, id sluice.StreamID, event sluice.EventType, change func(*sluice.Stream) error) (*sluice.Stream, error) {
	s, err := l.store.UpdateStream(ctx, account, id, change)
	if err != nil {
		return nil, err
	}
	l.bus.Publish(sluice.Event{StreamID: id, Type: event, Data: fmt.Appendf(nil, `{"id":%d,"status":%q}`, id, s.Status())})
	return s, nil
}
