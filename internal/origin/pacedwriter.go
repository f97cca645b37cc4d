package origin

import (
	"net/http"
	"time"
)

// pacedWriter gives each piece of an answer a time of its own to finish in, so that
// a viewer that reads too slowly is cut off, and one that reads a long answer is
// not. In HTTP/1.1 that ends the connection, in HTTP/2 the request alone.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	running bool // a deadline is set
}

func newPacedWriter(w http.ResponseWriter, timeout time.Duration) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// piece is how much is written under one deadline. A viewer who takes less in that
// time has too little for any rendition; smaller ones would cost a write more.
const piece = 256 << 10

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (n int, err error) {
	for len(b) > piece && err == nil {
		var written int
		written, err = p.write(b[:piece])
		n, b = n+written, b[written:]
	}
	if err != nil {
		return n, err
	}
	written, err := p.write(b)
	return n + written, err
}

func (p *pacedWriter) write(b []byte) (int, error) {
	p.extend()
	return p.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController calls. After it the handler may
// wait for more to send, and no deadline runs: in HTTP/2 one that passes ends the
// request, also while nothing is written.
func (p *pacedWriter) FlushError() error {
	err := p.control.Flush()
	_ = p.control.SetWriteDeadline(time.Time{})
	p.running = false
	return err
}

// finish gives the end of the answer, which the server sends when the handler has
// returned, its time too. Then the server lifts the deadline: the connection may
// serve others.
func (p *pacedWriter) finish() {
	if !p.running {
		p.extend()
	}
}

// extend moves the deadline. A writer without one, in a test, needs none.
func (p *pacedWriter) extend() {
	p.running = true
	_ = p.control.SetWriteDeadline(time.Now().Add(p.timeout))
}
