package httpd

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/clientaddr"
	"github.com/sluicelive/sluice/internal/status"
)

const (
	// bodyTimeout is how long a client may take to send its body, from its header
	// on, whether or not a handler reads it.
	bodyTimeout = 15 * time.Second
	// Of a body that was refused so much is thrown away, so that a client which is
	// still sending gets the answer and not a reset connection.
	maxRefused     = 256 << 10
	refusedTimeout = 500 * time.Millisecond
)

// boundBody bounds the time in which a request's body arrives, and how many may
// be arriving at once. Without it one that trickles would hold its connection for
// as long as it likes: net/http waits for the rest of a body before it answers,
// whether or not a handler reads it.
func (s *Server) boundBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted, ok := w.(*countedWriter)
		if r.ContentLength == 0 || !ok {
			next.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		key := clientaddr.Key(clientaddr.Of(r))
		body := &arrivingBody{ReadCloser: r.Body, control: control, closes: counted.closes}
		counted.body = body
		if err := s.Bodies.Take(key); err != nil {
			body.setDeadline(-time.Second) // what comes of it is not waited for
			sendRefusal(w, sluice.AsError(err))
			return
		}
		var once sync.Once
		body.release = func() { once.Do(func() { s.Bodies.Release(key) }) }
		defer body.release()
		body.setDeadline(bodyTimeout)
		r.Body = body
		next.ServeHTTP(w, r)
		if body.refused && !body.failed {
			_ = control.Flush()
			body.setDeadline(refusedTimeout)
			_, _ = io.CopyN(io.Discard, body, maxRefused)
			body.setDeadline(-time.Second)
		}
	})
}

// arrivingBody is a body that may not have come yet.
type arrivingBody struct {
	io.ReadCloser
	control *http.ResponseController
	release func()
	closes  bool // the connection, when the rest of it is refused
	whole   bool
	failed  bool // it did not come in time, or broke off
	refused bool
}

// Read implements io.Reader. The deadline goes with the last byte: left on, it
// would end the request itself, which may wait longer than that for media.
func (b *arrivingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) && !b.whole {
		b.whole = true
		_ = b.control.SetReadDeadline(time.Time{}) // a writer without deadlines is a test's
		b.release()
	}
	b.failed = b.failed || err != nil && !b.whole
	return n, err
}

// refuseRest says, before an answer begins, that what has not come of the body is
// not waited for.
func (b *arrivingBody) refuseRest(h http.Header) {
	if b.closes && !b.whole {
		b.refused = true
		h.Set("Connection", "close")
	}
}

func (b *arrivingBody) setDeadline(from time.Duration) {
	_ = b.control.SetReadDeadline(time.Now().Add(from)) // as above
}

// sendRefusal answers a request that no handler sees, in the form of all errors.
func sendRefusal(w http.ResponseWriter, e *sluice.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	if after := status.RetryAfter(e, refusedRetry); after != "" {
		h.Set("Retry-After", after)
	}
	code := status.Of(e.Kind)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(struct { // a client that is gone needs no answer
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    string `json:"data"`
		Error   string `json:"error"`
	}{code, e.Message, "", e.Code})
}
