package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sluicelive/sluice/internal/loadtest/playlist"
)

const (
	// maxManifest bounds a playlist or an MPD, packed and unpacked, in bytes.
	maxManifest = 8 << 20
	// patience is how long an answer, or the next bytes of one, may take: longer
	// than a server may hold a request.
	patience = 20 * time.Second
	readSize = 32 << 10
)

// fault is why a request failed, in a word to count by.
type fault struct {
	kind string // as in "status 404"
	url  string
	err  error
}

func (f *fault) Error() string { return fmt.Sprintf("%s: %v", f.url, f.err) }
func (f *fault) Unwrap() error { return f.err }

var errPatience = errors.New("nothing came for " + patience.String())

// client makes the requests of one viewer, over connections of its own.
type client struct {
	http  *http.Client
	agent string
	tally *tally
	clock *serverClock
}

// document loads a manifest.
func (c *client) document(ctx context.Context, address string, into *document) error {
	ctx, watch := newWatchdog(ctx)
	defer watch.stop()
	resp, err := c.do(ctx, http.MethodGet, playlist.Resource{URI: address}, "gzip")
	if err != nil {
		return watch.explain(address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	into.from, into.packed = resp.Request.URL, resp.Header.Get("Content-Encoding") == "gzip"
	into.bytes.Reset()
	n, err := into.bytes.ReadFrom(io.LimitReader(&counted{resp.Body, c.tally, watch}, maxManifest+1))
	if err != nil {
		return watch.explain(address, err)
	}
	if n > maxManifest {
		return &fault{"unreadable", address, fmt.Errorf("a manifest of more than %d bytes", maxManifest)}
	}
	return nil
}

// media loads media, and shows them to look as they come. Look may be nil.
func (c *client) media(ctx context.Context, r playlist.Resource, look func([]byte)) error {
	ctx, watch := newWatchdog(ctx)
	defer watch.stop()
	resp, err := c.do(ctx, http.MethodGet, r, "identity")
	if err != nil {
		return watch.explain(r.URI, err)
	}
	defer func() { _ = resp.Body.Close() }()
	buffer, _ := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buffer)
	body := &counted{resp.Body, c.tally, watch}
	for {
		n, err := body.Read(buffer[:])
		if look != nil && n > 0 {
			look(buffer[:n])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return watch.explain(r.URI, err)
		}
	}
}

// do sends a request, and fails unless the answer is what was asked for.
func (c *client) do(ctx context.Context, method string, r playlist.Resource, encoding string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.URI, http.NoBody)
	if err != nil {
		return nil, &fault{"unreadable", r.URI, err}
	}
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept-Encoding", encoding) // the transport's own would unpack with one reader each
	if r.Length > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(r.Offset, 10)+"-"+strconv.FormatInt(r.Offset+r.Length-1, 10))
	}
	sent := time.Now()
	c.tally.requested()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	c.clock.sawDate(resp.Header, sent, time.Now())
	if resp.StatusCode == http.StatusOK && r.Length == 0 || resp.StatusCode == http.StatusPartialContent && r.Length > 0 {
		return resp, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, readSize) // so that the connection goes on
	_ = resp.Body.Close()
	return nil, &fault{"status " + strconv.Itoa(resp.StatusCode), r.URI, errors.New("the answer is " + resp.Status)}
}

// watchdog ends a request for which nothing comes.
type watchdog struct {
	timer  *time.Timer
	ctx    context.Context //nolint:containedctx // of the one request, whose end it explains
	cancel context.CancelCauseFunc
}

func newWatchdog(ctx context.Context) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watchdog{time.AfterFunc(patience, func() { cancel(errPatience) }), ctx, cancel}
}

func (w *watchdog) fed()  { w.timer.Reset(patience) }
func (w *watchdog) stop() { w.timer.Stop(); w.cancel(nil) }

// explain makes a fault of an error.
func (w *watchdog) explain(address string, err error) error {
	f, known := errors.AsType[*fault](err)
	reset, isReset := errors.AsType[streamResetError](err)
	switch {
	case known:
		return f
	case errors.Is(context.Cause(w.ctx), errPatience):
		return &fault{"timeout", address, errPatience}
	case w.ctx.Err() != nil:
		return w.ctx.Err() // the viewer left
	case errors.Is(err, io.ErrUnexpectedEOF), isReset && reset.Code == http2InternalError:
		return &fault{"cut off", address, err}
	default:
		return &fault{"connection", address, err}
	}
}

// streamResetError is the end of an HTTP/2 stream by RST_STREAM. net/http, which keeps
// its own type to itself, fills in a struct of these very fields.
type streamResetError struct {
	StreamID uint32
	Code     uint32 // RFC 9113, section 7
	Cause    error
}

func (r streamResetError) Error() string { return fmt.Sprintf("stream reset, code %d", r.Code) }

// http2InternalError is how a server that gave up ends an answer (RFC 9113, section 7).
const http2InternalError = 2

// counted is a body whose bytes are counted.
type counted struct {
	io.Reader
	tally *tally
	watch *watchdog
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if n > 0 {
		c.tally.received(n)
		c.watch.fed()
	}
	return n, err
}

//nolint:gochecknoglobals // a pool is for the whole process, and holds no state
var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}
