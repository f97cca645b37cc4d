package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/certs"
	"github.com/sluicelive/sluice/internal/certs/certstest"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/httpd"
	"github.com/sluicelive/sluice/internal/origin"
	"github.com/sluicelive/sluice/internal/sqldb"
)

// house is API and origin behind HTTPS, all within one bubble of time: its
// network is pipes.
type house struct {
	t       *testing.T
	dials   chan net.Conn
	pair    certstest.Pair
	store   *sqldb.DB
	p       *cmaf.Presentation
	encoder *io.PipeWriter
	written int
}

// Presentation has the same media for every stream.
func (h *house) Presentation(context.Context, sluice.StreamID) (*cmaf.Presentation, error) {
	return h.p, nil
}

// Accept, Close and Addr make it the server's listener.
func (h *house) Accept() (net.Conn, error) {
	if conn, open := <-h.dials; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (h *house) Close() error   { return nil }
func (h *house) Addr() net.Addr { return &net.TCPAddr{} }

// inHouse runs a test against a house whose encoder has written nothing yet but
// what the other renditions need.
func inHouse(t *testing.T, test func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dials: make(chan net.Conn), p: cmaftest.NewPresentation(t)}
		for _, name := range []string{"480", sluice.AudioName} {
			require.NoError(t, h.p.Track(name).Consume(t.Context(), bytes.NewReader(cmaftest.Encoded(t, name))))
		}
		h.serve()
		test(h)
	})
}

// serve runs everything until the end of the test.
func (h *house) serve() {
	t, quiet := h.t, slog.New(slog.DiscardHandler)
	h.pair = certstest.NewPair(t, "live.test", time.Now().AddDate(1, 0, 0))
	files, err := certs.Load(h.pair.Cert, h.pair.Key, quiet)
	require.NoError(t, err)
	h.store, err = sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"), quiet)
	require.NoError(t, err)
	events := bus.New(time.Now)
	calls := api.New(api.Config{Store: h.store, Bus: events, Now: time.Now, Log: quiet})
	server := httpd.New(httpd.Config{
		API: calls, Origin: origin.New(origin.Config{Presentations: h, Log: quiet}), UI: http.HandlerFunc(waitForLeaving),
		TLS: files.Config(), Drain: func(context.Context) { events.Close() }, Log: quiet,
	})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = server.Run(ctx, h) })
	r, w := io.Pipe()
	h.encoder = w
	all.Go(func() { _ = h.p.Track("360").Consume(ctx, r) })
	t.Cleanup(func() {
		_ = w.Close()
		stop()
		close(h.dials)
		all.Wait()
		calls.Close()
		require.NoError(t, h.store.Close())
	})
}

// waitForLeaving answers when its client has gone.
func waitForLeaving(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// until has the encoder write everything before a media time.
func (h *house) until(at time.Duration) {
	h.t.Helper()
	before, _ := cmaftest.Split(h.t, cmaftest.Encoded(h.t, "360"), at)
	_, err := h.encoder.Write(before[h.written:])
	require.NoError(h.t, err)
	h.written = len(before)
	synctest.Wait()
}

// client is a browser's side of one connection.
type client struct {
	*http.Client
	t           *testing.T
	connections atomic.Int32
}

// client makes a client that speaks the protocols given, and counts its
// connections; wrap changes them when it is not nil.
func (h *house) client(speaks func(*http.Protocols), wrap func(net.Conn) net.Conn) *client {
	h.t.Helper()
	c := &client{t: h.t}
	protocols := new(http.Protocols)
	speaks(protocols)
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: h.pair.Trusting(h.t),
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: taken},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			c.connections.Add(1)
			ours, theirs := net.Pipe()
			h.dials <- theirs
			if wrap != nil {
				ours = wrap(ours)
			}
			return ours, nil
		},
	}
	c.Client = &http.Client{Transport: transport}
	h.t.Cleanup(transport.CloseIdleConnections)
	return c
}

func http2(p *http.Protocols) { p.SetHTTP2(true) }

// taken is how much of an answer a client takes in, in bytes, without being read.
const taken = 1 << 10

// pending is a request that may not be answered yet.
type pending struct {
	*http.Response
	err  error
	done chan struct{}
}

// get asks in the background.
func (c *client) get(ctx context.Context, path string) *pending {
	c.t.Helper()
	p := &pending{done: make(chan struct{})}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://live.test"+path, http.NoBody)
	require.NoError(c.t, err)
	go func() {
		defer close(p.done)
		p.Response, p.err = c.Do(req) //nolint:bodyclose // closed by text or by the test
	}()
	synctest.Wait()
	return p
}

func (p *pending) answered() bool {
	synctest.Wait()
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// text waits for the whole answer.
func (p *pending) text(t *testing.T) string {
	t.Helper()
	<-p.done
	require.NoError(t, p.err)
	text, err := io.ReadAll(p.Body)
	require.NoError(t, err)
	require.NoError(t, p.Body.Close())
	return string(text)
}

// H26: HTTP/2 where the client speaks it, HTTP/1.1 where not, and nothing older
// than TLS 1.2.
func TestProtocols(t *testing.T) {
	inHouse(t, func(h *house) {
		t := h.t
		for name, c := range map[string]struct {
			speaks func(*http.Protocols)
			major  int
		}{
			"both":     {func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }, 2},
			"HTTP/2":   {http2, 2},
			"HTTP/1.1": {func(p *http.Protocols) { p.SetHTTP1(true) }, 1},
		} {
			got := h.client(c.speaks, nil).get(t.Context(), "/readyz")
			require.Equal(t, "ready\n", got.text(t), name)
			require.Equal(t, c.major, got.ProtoMajor, name)
			require.GreaterOrEqual(t, got.TLS.Version, uint16(tls.VersionTLS12), name)
			require.Empty(t, got.Header.Get("Strict-Transport-Security"), "see Upgrade")
		}
		ours, theirs := net.Pipe()
		h.dials <- theirs
		config := h.pair.Trusting(t)
		config.ServerName, config.MinVersion, config.MaxVersion = "live.test", tls.VersionTLS10, tls.VersionTLS11
		require.ErrorContains(t, tls.Client(ours, config).HandshakeContext(t.Context()), "protocol version")
	})
}

// All that a player waits for goes over one connection.
func TestWaitingByHTTP2(t *testing.T) {
	inHouse(t, func(h *house) {
		t := h.t
		c := h.client(http2, nil)
		h.until(102500 * time.Millisecond) // two whole chunks of segment 51, and half of one
		reload := c.get(t.Context(), "/streams/7/stream360.m3u8?_HLS_msn=51&_HLS_part=2")
		part := c.get(t.Context(), "/streams/7/part-stream360-51-2.m4s")
		open := c.get(t.Context(), "/streams/7/chunk-stream360-51.m4s")
		next := c.get(t.Context(), "/streams/7/chunk-stream360-52.m4s")
		require.False(t, reload.answered() || part.answered() || next.answered())
		require.True(t, open.answered())
		chunks := func() []cmaf.Chunk { return h.p.Track("360").Snapshot().Segment(51).Chunks }
		read := func(c cmaf.Chunk) {
			got := make([]byte, len(c.Bytes))
			_, err := io.ReadFull(open.Body, got)
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.Bytes, got))
		}
		require.Len(t, chunks(), 2)
		read(chunks()[0])
		read(chunks()[1])

		h.until(102700 * time.Millisecond)
		require.Len(t, chunks(), 3)
		require.True(t, reload.answered() && part.answered())
		require.Contains(t, reload.text(t), "part-stream360-51-2.m4s")
		require.Equal(t, string(chunks()[2].Bytes), part.text(t))
		read(chunks()[2])
		require.False(t, next.answered())

		h.until(106100 * time.Millisecond)
		for _, c := range chunks()[3:] {
			read(c)
		}
		require.Empty(t, open.text(t))
		require.Len(t, next.text(t), h.p.Track("360").Snapshot().Segment(52).Size)
		require.EqualValues(t, 1, c.connections.Load())
	})
}

// An event stream on which nothing happens for an hour lasts, in both protocols.
func TestEventsLast(t *testing.T) {
	inHouse(t, func(h *house) {
		t := h.t
		account := &sluice.Account{Name: "first", CreatedAt: time.Now()}
		require.NoError(t, h.store.CreateAccount(t.Context(), account))
		stream := &sluice.Stream{AccountID: account.ID, Name: "first", Slug: "first", Quality: "360", CreatedAt: time.Now()}
		require.NoError(t, h.store.CreateStream(t.Context(), account.ID, stream))
		for name, speaks := range map[string]func(*http.Protocols){
			"HTTP/2": http2, "HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		} {
			begun := time.Now()
			ctx, leave := context.WithTimeout(t.Context(), time.Hour+time.Second)
			c := h.client(speaks, nil)
			events := c.get(ctx, "/v1/streams/1/events")
			<-events.done
			require.NoError(t, events.err)
			pings := 0
			lines := bufio.NewScanner(events.Body)
			for lines.Scan() {
				if lines.Text() == ": ping" {
					pings++
				}
			}
			leave()
			require.NoError(t, events.Body.Close())
			require.Equal(t, time.Hour+time.Second, time.Since(begun), "%s: until the client left", name)
			require.Equal(t, 240, pings, name)
		}
	})
}

// F15: who takes too long to read one answer loses that one, and not the others
// of the same connection.
func TestSlowReaderLosesOneAnswer(t *testing.T) {
	inHouse(t, func(h *house) {
		t := h.t
		c := h.client(http2, nil)
		h.until(106100 * time.Millisecond)
		size := h.p.Track("360").Snapshot().Segment(51).Size
		require.Greater(t, size, taken)
		page := c.get(t.Context(), "/")
		slow := c.get(t.Context(), "/streams/7/chunk-stream360-51.m4s")
		require.True(t, page.answered() && slow.answered())

		<-time.After(16 * time.Second)
		_, err := io.ReadAll(slow.Body)
		require.ErrorContains(t, err, "stream error")
		require.NoError(t, slow.Body.Close())
		require.Len(t, c.get(t.Context(), "/streams/7/chunk-stream360-51.m4s").text(t), size)
		ended := make(chan error, 1)
		go func() {
			_, err := page.Body.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		require.Empty(t, ended, "what was open is open")
		require.EqualValues(t, 1, c.connections.Load())
		require.NoError(t, page.Body.Close())
		require.Error(t, <-ended)
	})
}

// deaf is a connection whose peer has gone without a word.
type deaf struct {
	net.Conn
	gone   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (d *deaf) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	select {
	case <-d.gone:
		<-d.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (d *deaf) Write(p []byte) (int, error) {
	select {
	case <-d.gone:
		return len(p), nil
	default:
		return d.Conn.Write(p)
	}
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Conn.Close()
}

// A client that is gone is found out, though its requests only wait.
func TestDeadClientIsNoticed(t *testing.T) {
	inHouse(t, func(h *house) {
		t := h.t
		var conn *deaf
		c := h.client(http2, func(inner net.Conn) net.Conn {
			conn = &deaf{Conn: inner, gone: make(chan struct{}), closed: make(chan struct{})}
			return conn
		})
		page := c.get(t.Context(), "/")
		require.True(t, page.answered())
		close(conn.gone)
		begun := time.Now()
		for {
			// The pipe is closed from the other side when the server lets go.
			if _, err := conn.Conn.Write(nil); err != nil {
				break
			}
			<-time.After(time.Second)
		}
		require.Less(t, time.Since(begun), time.Minute)
		require.NoError(t, conn.Close())
		require.NoError(t, page.Body.Close())
	})
}
