package api

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sluicelive/sluice"
)

// eventWriteTimeout is how long a client may take to take one event.
const eventWriteTimeout = 10 * time.Second

// eventWriter writes an event stream (HTML standard, section 9.2.5).
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	return &eventWriter{w: w, control: http.NewResponseController(w)}
}

// open sends the headers and how long to wait before coming back: not the same
// for all, so that they do not all come at once after a restart.
func (e *eventWriter) open() error {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	e.w.WriteHeader(http.StatusOK)
	return e.write(fmt.Appendf(nil, "retry: %d\n\n", 2000+rand.IntN(2000))) //nolint:gosec // G404: spreads load, hides nothing
}

// event sends one event. Its data must stand on one line, which JSON does
// unless somebody indented it.
func (e *eventWriter) event(ev sluice.Event) error {
	data := bytes.ReplaceAll(ev.Data, []byte("\n"), nil)
	return e.write(fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", ev.ID, ev.Type, data))
}

// ping sends a comment, which clients pass over.
func (e *eventWriter) ping() error { return e.write([]byte(": ping\n\n")) }

// keyExpired says why the stream ends. It is an event and not a comment,
// because the client's next attempt fails, and with it its EventSource for good:
// a page that listens for it can get a new key and go on.
func (e *eventWriter) keyExpired() error {
	return e.write([]byte("event: eventKeyExpired\n" +
		`data: {"code":"event_key_expired","message":"the event key has expired; get a new one and connect again"}` + "\n\n"))
}

// write gives the text its time to be taken, and lifts the deadline when it was:
// in HTTP/2 one that passes ends the request, also while nothing is written.
func (e *eventWriter) write(text []byte) error {
	deadline := time.Now().Add(eventWriteTimeout) // of the connection, so not of Config.Now
	if err := e.setDeadline(deadline); err != nil {
		return err
	}
	if _, err := e.w.Write(text); err != nil {
		return err
	}
	if err := e.control.Flush(); err != nil {
		return err
	}
	return e.setDeadline(time.Time{})
}

// setDeadline passes over writers that have none, as those of tests.
func (e *eventWriter) setDeadline(at time.Time) error {
	if err := e.control.SetWriteDeadline(at); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
