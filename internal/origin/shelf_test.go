package origin_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/dvr"
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
		track.Shelved(s.Number)
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

	require.Equal(t, http.StatusNotFound, ask(t, o, http.MethodGet, "/streams/7/chunk-stream360-53.m4s").Code, "lost")
	require.NoError(t, shelf.Drop("360", 51))
	require.Equal(t, http.StatusGone, ask(t, o, http.MethodGet, file).Code, "let go a moment ago")
}
