package origin

import (
	"net/http"
	"time"
)

// pacedWriter gives each write a time of its own to finish in, so that a viewer
// that reads too slowly is cut off, and one that reads a long answer is not. In
// HTTP/1.1 that ends the connection, in HTTP/2 the request alone.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	alone   bool // the deadline is the request's, and not the connection's
	wrote   bool
}

func newPacedWriter(w http.ResponseWriter, r *http.Request, timeout time.Duration) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout, alone: r.ProtoMajor >= 2}
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (int, error) {
	p.wrote = true
	p.extend(time.Now().Add(p.timeout))
	return p.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController calls. After it the handler may
// wait for more to send, and no deadline runs: in HTTP/2 one that passes ends the
// request, also while nothing is written.
func (p *pacedWriter) FlushError() error {
	err := p.control.Flush()
	p.extend(time.Time{})
	return err
}

// finish sends what is still buffered under the last write's deadline, and
// lifts it: the connection may serve others after this request. Where the
// deadline ends with the request that is the server's to do, which puts the end
// of the answer into the same frame.
func (p *pacedWriter) finish() {
	if p.wrote && !p.alone {
		_ = p.FlushError()
	}
}

// extend moves the deadline. A writer without one, in a test, needs none.
func (p *pacedWriter) extend(deadline time.Time) { _ = p.control.SetWriteDeadline(deadline) }
