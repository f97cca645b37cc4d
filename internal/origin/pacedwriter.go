package origin

import (
	"net/http"
	"time"
)

// pacedWriter gives each write a time of its own to finish in, so that a viewer
// that reads too slowly is cut off, and one that reads a long answer is not.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	wrote   bool
}

func newPacedWriter(w http.ResponseWriter, timeout time.Duration) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (int, error) {
	p.wrote = true
	p.extend(time.Now().Add(p.timeout))
	return p.ResponseWriter.Write(b)
}

// finish sends what is still buffered under the last write's deadline, and
// lifts it: the connection may serve others after this request.
func (p *pacedWriter) finish() {
	if !p.wrote {
		return
	}
	_ = p.control.Flush()
	p.extend(time.Time{})
}

// extend moves the deadline. A writer without one, in a test, needs none.
func (p *pacedWriter) extend(deadline time.Time) { _ = p.control.SetWriteDeadline(deadline) }
