package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/eventkey"
)

// subscriber reads an event stream as a browser does.
type subscriber struct {
	t *testing.T
	*http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// event is one message of an event stream.
type event struct{ id, name, data, retry, comment string }

func (s *server) subscribe(path string, headers ...string) *subscriber {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, http.NoBody)
	require.NoError(s.t, err)
	setHeaders(req, headers)
	res, err := http.DefaultClient.Do(req) //nolint:bodyclose // closed by subscriber.close
	require.NoError(s.t, err)
	sub := &subscriber{t: s.t, Response: res, lines: bufio.NewScanner(res.Body), cancel: cancel}
	s.t.Cleanup(sub.close)
	return sub
}

func (s *subscriber) close() {
	s.cancel()
	_ = s.Body.Close()
}

// next reads one message, or reports that the server closed.
func (s *subscriber) next() (event, bool) {
	s.t.Helper()
	var e event
	for s.lines.Scan() {
		line := s.lines.Text()
		if line == "" {
			return e, true
		}
		name, value, found := strings.Cut(line, ":")
		require.True(s.t, found, line)
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "retry":
			e.retry = value
		default:
			e.comment = value
		}
	}
	return event{}, false
}

// expect reads one message and checks its name.
func (s *subscriber) expect(name string) event {
	s.t.Helper()
	e, open := s.next()
	require.True(s.t, open, "closed before %s", name)
	require.Equal(s.t, name, e.name)
	return e
}

// opened reads the preamble.
func (s *subscriber) opened() *subscriber {
	s.t.Helper()
	require.Equal(s.t, 200, s.StatusCode)
	require.NotEmpty(s.t, s.expect("").retry)
	return s
}

func (s *subscriber) expectClosed() {
	s.t.Helper()
	e, open := s.next()
	require.False(s.t, open, "%+v", e)
}

func (s *server) eventKey(path string) string {
	s.t.Helper()
	return strings.Trim(string(s.must("POST", path+"/eventkey", "").Data), `"`)
}

// section 4: the whole life of a stream, as a viewer and as its publisher see it.
func TestEvents(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	viewer := s.subscribe(path + "/events")
	publisher := s.subscribe(path+"/events/"+s.eventKey(path), "Origin", "https://app.example")

	require.Equal(t, "text/event-stream", viewer.Header.Get("Content-Type"))
	require.Equal(t, "no-store, no-transform", viewer.Header.Get("Cache-Control"))
	require.Equal(t, "no", viewer.Header.Get("X-Accel-Buffering"))
	require.Equal(t, "https://app.example", publisher.Header.Get("Access-Control-Allow-Origin"))
	retry, err := strconv.Atoi(viewer.expect("").retry)
	require.NoError(t, err)
	require.GreaterOrEqual(t, retry, 2000)
	require.Less(t, retry, 4000)
	publisher.opened()

	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/init", `{"type":"offer","sdp":"v=0"}`)
	s.must("POST", path+"/start", "")
	s.must("POST", path+"/end", "")

	ready := viewer.expect("streamReady")
	require.JSONEq(t, `{"id":1,"status":"prepared"}`, ready.data)
	started := viewer.expect("streamStarted")
	require.Greater(t, started.id, ready.id)
	viewer.expect("streamEnded")
	viewer.expectClosed()

	publisher.expect("streamReady")
	require.Contains(t, publisher.expect("iceCandidate").data, `"usernameFragment":"u"`)
	publisher.expect("streamStarted")
	publisher.expect("streamEnded")
	publisher.expectClosed()
}

// section 4: a late subscriber gets the current state and the current session's
// candidates at once.
func TestLateSubscriber(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	s.must("POST", path+"/prepare", "")
	s.must("POST", path+"/init", `{"type":"offer","sdp":"v=0"}`)
	s.must("POST", path+"/start", "")
	s.must("POST", path+"/init", `{"type":"offer","sdp":"v=0"}`)

	publisher := s.subscribe(path + "/events/" + s.eventKey(path)).opened()
	publisher.expect("streamStarted")
	require.Contains(t, publisher.expect("iceCandidate").data, "session-2")

	viewer := s.subscribe(path + "/events").opened()
	viewer.expect("streamStarted")
	s.must("POST", path+"/end", "")
	viewer.expect("streamEnded")
	publisher.expect("streamEnded")
}

// section 4: Last-Event-ID resumes after the event it names.
func TestLastEventID(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	first := s.subscribe(path + "/events").opened()
	s.must("POST", path+"/prepare", "")
	ready := first.expect("streamReady")
	first.close()
	s.must("POST", path+"/start", "")
	s.bus.Publish(sluice.Event{StreamID: 1, Type: sluice.EventError, Data: []byte("{\"code\":\"c\",\n\"message\":\"m\"}")})

	resumed := s.subscribe(path+"/events", "Last-Event-ID", ready.id).opened()
	resumed.expect("streamStarted")
	require.JSONEq(t, `{"code":"c","message":"m"}`, resumed.expect("streamError").data)

	for _, nonsense := range []string{"x", "-5", "1e9"} {
		s.subscribe(path+"/events", "Last-Event-ID", nonsense).opened().expect("streamStarted")
	}
}

// section 4: a reconnect to an ended stream gets 204, with a key and without.
func TestEndedStreamIsNoContent(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	key := s.eventKey(path)
	s.must("POST", path+"/end", "")
	for _, events := range []string{"/events", "/events/" + key} {
		require.Equal(t, http.StatusNoContent, s.subscribe(path+events, "Last-Event-ID", "1").StatusCode)
	}
}

// section 4 and F22, F23: whatever is no good key for this stream is 403, and
// says nothing of what is wrong with it.
func TestBadEventKeys(t *testing.T) {
	s := newServer(t)
	path, another := s.create("stream"), s.create("another")
	now := time.Now()
	key := func(text string, err error) string {
		require.NoError(t, err)
		return text
	}
	foreign := eventkey.New([]byte(strings.Repeat("x", 32)))
	theirs := eventkey.Owner{Account: s.other, Key: sluice.KeyID(s.otherKey)}
	bodies := map[string]string{}
	for name, bad := range map[string]string{
		"another stream's":   s.eventKey(another),
		"another account's":  key(s.eventKeys.ForAccount(theirs, now, time.Hour)),
		"wrong account":      key(s.eventKeys.ForStream(theirs, 1, now, time.Hour)),
		"expired":            key(s.eventKeys.ForStream(s.owner, 1, now.Add(-2*time.Hour), time.Hour)),
		"other secret":       key(foreign.ForStream(s.owner, 1, now, time.Hour)),
		"another's key":      key(s.eventKeys.ForStream(eventkey.Owner{Account: s.account, Key: theirs.Key}, 1, now, time.Hour)),
		"a key that is not":  key(s.eventKeys.ForStream(eventkey.Owner{Account: s.account, Key: "none"}, 1, now, time.Hour)),
		"an application key": s.key,
		"nonsense":           "nonsense",
		"undefined":          "undefined",
	} {
		a := s.callAs("", "GET", path+"/events/"+bad, "")
		require.Equal(t, http.StatusForbidden, a.Code, name)
		require.Equal(t, "event_key_invalid", a.Error)
		bodies[a.raw] = name
	}
	require.Len(t, bodies, 1)
	require.NotContains(t, s.log.String(), s.key)
	require.Equal(t, http.StatusForbidden, s.callAs("", "GET", "/v1/streams/99/events/"+s.key, "").Code)
	require.Equal(t, http.StatusNotFound, s.callAs("", "GET", "/v1/streams/99/events", "").Code)
}

// A slug may repeat over accounts: what it means goes by the key that came with
// it.
func TestASlugIsLookedUpInTheKeysAccount(t *testing.T) {
	s := newServer(t)
	const body = `{"name":"my first stream","slug":"my-first-stream"}`
	require.Equal(t, http.StatusOK, s.callAs(s.key, "POST", "/v1/streams/create", body).Code)
	require.Equal(t, http.StatusOK, s.callAs(s.otherKey, "POST", "/v1/streams/create", body).Code)

	mine := s.callAs(s.key, "GET", "/v1/streams/my-first-stream", "")
	require.Contains(t, mine.raw, `"id":1,`)
	theirs := s.callAs(s.otherKey, "GET", "/v1/streams/my-first-stream", "")
	require.Contains(t, theirs.raw, `"id":2,`)

	key, err := s.eventKeys.ForStream(s.owner, 1, time.Now(), time.Hour)
	require.NoError(t, err)
	s.bus.Close()                                                              // so that the stream of events ends at once
	resp, err := http.Get(s.URL + "/v1/streams/my-first-stream/events/" + key) //nolint:noctx // it ends at once
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// section 3: the account's key opens every stream of the account.
func TestAccountEventKey(t *testing.T) {
	s := newServer(t)
	key := strings.Trim(string(s.must("POST", "/v1/auth/eventkey", `{"expiry_seconds":60}`).Data), `"`)
	require.Regexp(t, `^[A-Za-z0-9_.-]+$`, key, "it stands in an address")
	for i := range 2 {
		s.subscribe(s.create(fmt.Sprint("stream ", i)) + "/events/" + key).opened()
	}
}

// S11: an event key is good no longer than the application key it was made with:
// also streams that are open end.
func TestRevokedKeyEndsItsEventStreams(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	second, text := sluice.NewKey(s.account, "second", time.Now())
	require.NoError(t, s.db.CreateKey(t.Context(), s.account, second))
	made := func(path string) string {
		a := s.callAs(text, "POST", path, `{"expiry_seconds":86400}`)
		require.Equal(t, http.StatusOK, a.Code, a.raw)
		return strings.Trim(string(a.Data), `"`)
	}
	ofStream, ofAccount := made(path+"/eventkey"), made("/v1/auth/eventkey")
	ending := []*subscriber{s.subscribe(path + "/events/" + ofStream).opened(), s.subscribe(path + "/events/" + ofAccount).opened()}
	staying := []*subscriber{s.subscribe(path + "/events").opened(), s.subscribe(path + "/events/" + s.eventKey(path)).opened()}

	require.NoError(t, s.db.RevokeKey(t.Context(), s.account, second.ID, time.Now()))
	revoked := time.Now()
	for _, sub := range ending {
		sub.expect("eventKeyExpired")
		sub.expectClosed()
	}
	require.Less(t, time.Since(revoked), 3*time.Second)
	for _, key := range []string{ofStream, ofAccount} {
		a := s.callAs("", "GET", path+"/events/"+key, "")
		require.Equal(t, http.StatusForbidden, a.Code)
		require.Equal(t, "event_key_invalid", a.Error)
	}
	s.must("POST", path+"/prepare", "")
	for _, sub := range staying {
		sub.expect("streamReady")
	}
}

// The operator may allow event keys a shorter life.
func TestEventKeysOfAShorterLife(t *testing.T) {
	s := newServer(t)
	s.eventKeys.Longest = 10 * time.Minute
	path := s.create("stream")
	a := s.call("POST", path+"/eventkey", `{"expiry_seconds":601}`)
	require.Equal(t, http.StatusUnprocessableEntity, a.Code)
	require.Equal(t, "expiry_seconds_invalid", a.Error)
	require.Contains(t, a.Message, "600")
	expires, err := s.eventKeys.Verify(s.eventKey(path), s.account, 1, time.Now())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(10*time.Minute), expires, 5*time.Second, "the usual hour is too long")
}

// F22: at its expiry a key's stream ends, and says why before it does.
func TestEventKeyExpires(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	key := strings.Trim(string(s.must("POST", path+"/eventkey", `{"expiry_seconds":3}`).Data), `"`)
	publisher := s.subscribe(path + "/events/" + key).opened()
	require.JSONEq(t, `{"code":"event_key_expired","message":"the event key has expired; get a new one and connect again"}`,
		publisher.expect("eventKeyExpired").data)
	publisher.expectClosed()
}

// At shutdown the bus closes, and event streams with it.
func TestEventsEndWithTheBus(t *testing.T) {
	s := newServer(t)
	viewer := s.subscribe(s.create("stream") + "/events").opened()
	s.bus.Close()
	viewer.expectClosed()
}

func TestEventsHead(t *testing.T) {
	s := newServer(t)
	res := s.do("HEAD", s.create("stream")+"/events", "")
	require.NoError(t, res.Body.Close())
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
}

// A stream that was deleted is gone for its subscribers, too.
func TestDeletedStreamEndsEvents(t *testing.T) {
	s := newServer(t)
	path := s.create("stream")
	viewer := s.subscribe(path + "/events").opened()
	publisher := s.subscribe(path + "/events/" + s.eventKey(path)).opened()
	s.must("DELETE", path, "")
	viewer.expectClosed()
	publisher.expectClosed()
	require.Equal(t, http.StatusNotFound, s.callAs("", "GET", path+"/events", "").Code)
}
