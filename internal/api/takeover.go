package api

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/sluicelive/sluice/internal/bus"
)

// takeOver sends events on the connection itself where HTTP/1.1 allows, and
// reports whether it does. Most viewers' event streams say nothing for hours. As
// requests they would hold buffers and a deep stack all the while, some 45 kB
// each; this way it is a few.
func (a *API) takeOver(w http.ResponseWriter, r *http.Request, sub *bus.Subscription, g grant, leave func()) bool {
	if r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return false
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false // HTTP/2, or a test
	}
	buffered.Reader.Reset(nil) // what a client sends after its request is not read
	setEventHeaders(w.Header())
	out := &eventWriter{&connSink{Conn: conn, head: eventHead(w.Header(), time.Now())}} // of the connection, so not of Config.Now
	ctx, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(a.closing, cancel)
	a.open.Go(func() {
		// Reading is the one way to learn that the client has left.
		defer cancel()
		if n, _ := conn.Read(make([]byte, 1)); n > 0 {
			<-ctx.Done() // it says something: only writing tells now
		}
	})
	request := r.Header.Get("X-Request-Id")
	a.open.Go(func() {
		defer leave()
		defer func() { _ = conn.Close() }() // it ends the reading, too
		defer cancel()
		defer stop()
		defer a.reportPanic(request)
		if out.open() == nil && a.pump(ctx, sub, out, g) == nil {
			_ = conn.SetWriteDeadline(time.Now().Add(eventWriteTimeout))
			_, _ = conn.Write([]byte("0\r\n\r\n")) // the last chunk; a client that takes nothing needs none
		}
	})
	return true
}

// reportPanic keeps a fault in one event stream from ending the process.
func (a *API) reportPanic(request string) {
	if cause := recover(); cause != nil {
		a.Log.Error("event stream panicked", "request", request, "err", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}
}

// eventHead is the head of an answer that comes in chunks (RFC 9112, section 7.1).
func eventHead(h http.Header, now time.Time) []byte {
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&head) // a buffer takes everything
	_, _ = fmt.Fprintf(&head, "Date: %s\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", now.UTC().Format(http.TimeFormat))
	return head.Bytes()
}

// connSink is a connection that was taken over.
type connSink struct {
	net.Conn
	head []byte // not sent yet
}

// begin implements eventSink: the head goes out with the first text.
func (s *connSink) begin() error { return nil }

func (s *connSink) send(text []byte) error {
	_, err := s.Write(fmt.Appendf(s.head, "%x\r\n%s\r\n", len(text), text))
	s.head = nil
	return err
}
