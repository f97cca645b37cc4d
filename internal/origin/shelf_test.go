package origin_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/dvr"
	"github.com/sluicelive/sluice/internal/origin"
)

// A segment is the same to a viewer wherever its bytes are.
func TestShelvedSegment(t *testing.T) {
	store, err := dvr.Open(t.TempDir())
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	ladder, err := sluice.NewLadder("360")
	require.NoError(t, err)
	shelf := store.Shelf(7)
	p := cmaf.NewPresentation(cmaf.Config{Clock: cmaftest.Clock(), Ladder: ladder, Shelf: shelf})
	track := p.Track("360")
	require.NoError(t, track.Consume(t.Context(), bytes.NewReader(cmaftest.Encoded(t, "360"))))
	require.NoError(t, track.End())

	o := newOrigin(p)
	const file = "/streams/7/chunk-stream360-51.m4s"
	memory := ask(t, o, http.MethodGet, file)
	for _, s := range track.Snapshot().Complete() {
		if s.Number == 53 {
			continue // the disk was full
		}
		require.NoError(t, shelf.Put("360", s))
		track.NoteShelved(s.Number)
	}
	track.Unload()
	disk := ask(t, o, http.MethodGet, file)
	require.Equal(t, http.StatusOK, disk.Code)
	require.True(t, bytes.Equal(memory.Body.Bytes(), disk.Body.Bytes()))
	for _, name := range []string{"Content-Type", "Cache-Control", "ETag", "Content-Length", "Accept-Ranges", "Access-Control-Allow-Origin"} {
		require.Equal(t, memory.Header().Get(name), disk.Header().Get(name), name)
	}
	part := ask(t, o, http.MethodGet, file, field{"Range", "bytes=10-19"})
	require.Equal(t, http.StatusPartialContent, part.Code)
	require.Equal(t, memory.Body.Bytes()[10:20], part.Body.Bytes())

	require.Equal(t, http.StatusOK, ask(t, o, http.MethodGet, "/streams/7/chunk-stream360-53.m4s").Code, "still in memory")
	require.Equal(t, http.StatusNotFound, ask(t, o, http.MethodGet, "/streams/7/part-stream360-51-0.m4s").Code, "parts are in memory only")
	require.NoError(t, shelf.Drop("360", 51))
	require.Equal(t, http.StatusGone, ask(t, o, http.MethodGet, file).Code, "let go a moment ago")
}

// broken is a shelf whose disk cannot be read.
type broken struct{ cmaf.Shelf }

func (broken) Put(string, *cmaf.Segment) error                { return nil }
func (broken) Open(string, uint64) (io.ReadSeekCloser, error) { return nil, syscall.EIO }

// A disk that fails is no fault to be told of for each viewer.
func TestUnreadableSegment(t *testing.T) {
	ladder, err := sluice.NewLadder("360")
	require.NoError(t, err)
	p := cmaf.NewPresentation(cmaf.Config{Clock: cmaftest.Clock(), Ladder: ladder, Shelf: broken{}})
	track := p.Track("360")
	require.NoError(t, track.Consume(t.Context(), bytes.NewReader(cmaftest.Encoded(t, "360"))))
	require.NoError(t, track.End())
	track.NoteShelved(51)
	track.Unload()
	var said bytes.Buffer
	at := now
	o := origin.New(origin.Config{
		Presentations: streams{seven: p},
		Log:           slog.New(slog.NewTextHandler(&said, nil)),
		Now:           func() time.Time { return at },
	})
	for range 100 {
		got := ask(t, o, http.MethodGet, "/streams/7/chunk-stream360-51.m4s")
		require.Equal(t, http.StatusServiceUnavailable, got.Code)
		require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
		require.Equal(t, "1", got.Header().Get("Retry-After"))
		require.NotContains(t, got.Body.String(), syscall.EIO.Error())
		at = at.Add(15 * time.Millisecond)
	}
	require.Equal(t, 2, bytes.Count(said.Bytes(), []byte("cannot deliver")), "a line a second")
	require.Contains(t, said.String(), "input/output error")
	require.Contains(t, said.String(), "unsaid=66")
}

// Memory may be let go while a viewer is still taking the segment it began with
// when that was open: it gets the rest from the shelf, or is cut off.
func TestOpenSegmentLeavesMemory(t *testing.T) {
	for name, put := range map[string]bool{"onto the shelf": true, "for good": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := dvr.Open(t.TempDir())
				require.NoError(t, err)
				defer func() { require.NoError(t, store.Close()) }()
				ladder, err := sluice.NewLadder("360")
				require.NoError(t, err)
				shelf := store.Shelf(7)
				p := cmaf.NewPresentation(cmaf.Config{Clock: cmaftest.Clock(), Ladder: ladder, Chunk: 6, Shelf: shelf, Window: 3 * time.Minute})
				track := p.Track("360")
				before, after := cmaftest.Split(t, cmaftest.Encoded(t, "360"), 103*time.Second)
				r, encoder := io.Pipe()
				consumed := make(chan error, 1)
				go func() { consumed <- track.Consume(t.Context(), r) }()
				_, err = encoder.Write(before)
				require.NoError(t, err)
				synctest.Wait()

				listener := pipeListener{conns: make(chan net.Conn)}
				server := &http.Server{Handler: newOrigin(p), ReadHeaderTimeout: time.Second}
				served := make(chan error, 1)
				go func() { served <- server.Serve(listener) }()
				viewer := listener.dial()
				_, err = io.WriteString(viewer, "GET /streams/7/chunk-stream360-51.m4s HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n")
				require.NoError(t, err)
				answer, err := http.ReadResponse(bufio.NewReaderSize(viewer, 16), nil) // no body yet: the server is mid-write
				require.NoError(t, err)
				synctest.Wait()

				_, err = encoder.Write(after)
				require.NoError(t, err)
				require.NoError(t, encoder.Close())
				require.NoError(t, <-consumed)
				require.NoError(t, track.End())
				whole := track.Snapshot().Segment(51)
				if put {
					require.NoError(t, shelf.Put("360", whole))
				}
				track.NoteShelved(51) // and who says so without having put it, has lost it
				track.Unload()
				require.True(t, track.Snapshot().Segment(51).Shelved)

				body, err := io.ReadAll(answer.Body)
				if put {
					require.NoError(t, err)
					require.True(t, bytes.Equal(whole.Bytes, body))
				} else {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
				_ = answer.Body.Close() // which says again that it broke off
				require.NoError(t, viewer.Close())
				require.NoError(t, server.Close())
				require.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}
