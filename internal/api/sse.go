package api

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/bus"
)

// eventWriteTimeout is how long a client may take to take one event.
const eventWriteTimeout = 10 * time.Second

// eventWriter writes an event stream (HTML standard, section 9.2.5).
type eventWriter struct{ to eventSink }

// eventSink takes an event stream: the answer to a request, or a connection.
type eventSink interface {
	// begin sends the headers of the answer.
	begin() error
	// send sends a text at once.
	send(text []byte) error
	// SetWriteDeadline limits the time for what is sent from here on.
	SetWriteDeadline(at time.Time) error
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	return &eventWriter{answerSink{w, http.NewResponseController(w)}}
}

// answerSink is the answer to a request.
type answerSink struct {
	http.ResponseWriter
	*http.ResponseController
}

func (s answerSink) begin() error {
	setEventHeaders(s.Header())
	s.WriteHeader(http.StatusOK)
	return nil
}

func (s answerSink) send(text []byte) error {
	if _, err := s.Write(text); err != nil {
		return err
	}
	return s.Flush()
}

func setEventHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	// A proxy that compresses would hold events back until its buffer is full, and
	// so would nginx as it is.
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}

// open sends the headers and how long to wait before coming back: not the same
// for all, so that they do not all come at once after a restart.
func (e *eventWriter) open() error {
	if err := e.to.begin(); err != nil {
		return err
	}
	return e.write(fmt.Appendf(nil, "retry: %d\n\n", 2000+rand.IntN(2000))) //nolint:gosec // G404: spreads load, hides nothing
}

// event sends one event. Its data must stand on one line, which JSON does
// unless somebody indented it.
func (e *eventWriter) event(ev sluice.Event) error {
	data := bytes.ReplaceAll(ev.Data, []byte("\n"), nil)
	return e.write(fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", ev.ID, ev.Type, data))
}

// rest sends what is queued when the server stops: the end of the stream, as a
// rule, without which a client would come back to a server that is gone. A client
// that left takes nothing.
func (e *eventWriter) rest(sub *bus.Subscription) error {
	for {
		select {
		case ev, open := <-sub.Events():
			if !open {
				return nil
			}
			if err := e.event(ev); err != nil {
				return err
			}
		default:
			return nil
		}
	}
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
	if err := e.to.send(text); err != nil {
		return err
	}
	return e.setDeadline(time.Time{})
}

// setDeadline passes over writers that have none, as those of tests.
func (e *eventWriter) setDeadline(at time.Time) error {
	if err := e.to.SetWriteDeadline(at); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
