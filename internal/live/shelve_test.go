package live

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
	"github.com/sluicelive/sluice/internal/dvr"
)

// memoryShelf is a shelf that refuses one number.
type memoryShelf struct {
	refused uint64

	mu   sync.Mutex
	held map[uint64]bool
}

func (m *memoryShelf) Put(_ string, s *cmaf.Segment) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.Number == m.refused {
		return errors.New("the disk is full")
	}
	m.held[s.Number] = true
	return nil
}

func (m *memoryShelf) Open(string, uint64) (io.ReadSeekCloser, error) { return nil, io.EOF }

func (m *memoryShelf) Drop(_ string, number uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.held, number)
	return nil
}

// shelving runs a shelver over a track of 360 that was fed for longer than memory
// holds, with runs of seven seconds, eight apart.
func shelving(ctx context.Context, t *testing.T, shelf *memoryShelf, log io.Writer) (track *cmaf.Track, done chan struct{}) {
	t.Helper()
	track = cmaftest.NewPresentation(t).Track("360")
	s := &shelver{track: track, shelf: shelf, log: slog.New(slog.NewTextHandler(log, nil)), nothing: true}
	done = make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	for shift := range uint64(12) {
		run := cmaftest.Shift(t, cmaftest.Encoded(t, "360"), 8*shift)
		require.NoError(t, track.Consume(ctx, bytes.NewReader(run)))
		synctest.Wait()
	}
	require.NoError(t, track.End())
	synctest.Wait()
	return track, done
}

// inMemory is the numbers of the segments whose bytes are in memory.
func inMemory(s *cmaf.TrackSnapshot) (numbers []uint64) {
	for _, segment := range s.Segments {
		if len(segment.Bytes) > 0 {
			numbers = append(numbers, segment.Number)
		}
	}
	return numbers
}

// What is complete is put, what the window lets go is dropped, and what cannot
// be put is said once.
func TestShelver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const refused = 97 // the newest but one
		shelf := &memoryShelf{refused: refused, held: map[uint64]bool{}}
		var said bytes.Buffer
		track, done := shelving(t.Context(), t, shelf, &said)
		last := track.Snapshot().Last().Number
		require.EqualValues(t, 97, last)
		require.NotContains(t, shelf.held, uint64(refused))
		require.NotContains(t, shelf.held, uint64(50), "has left the window")
		require.Contains(t, shelf.held, last-1)
		require.Equal(t, 1, bytes.Count(said.Bytes(), []byte("disk is full")))

		ended := time.Now()
		require.Len(t, inMemory(track.Snapshot()), 37, "playlists of a moment ago name parts")
		<-done
		require.Equal(t, cmaf.DefaultKeep, time.Since(ended))
		require.Equal(t, []uint64{refused}, inMemory(track.Snapshot()), "what is nowhere else stays")
	})
}

// A server that stops lets go of nothing: its viewers are served to the end.
func TestShelverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		shelf := &memoryShelf{held: map[uint64]bool{}}
		track, done := shelving(ctx, t, shelf, io.Discard)
		before := track.Snapshot()
		stop()
		<-done
		require.Same(t, before, track.Snapshot())
		require.NotEmpty(t, shelf.held)
	})
}

// A stream's files go with its window, and when the server stops with the folder.
func TestKeep(t *testing.T) {
	for name, stopped := range map[string]bool{"the window is let go": false, "the server stops": true} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			store, err := dvr.Open(folder)
			require.NoError(t, err)
			defer func() { require.NoError(t, store.Close()) }()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			p := cmaftest.NewPresentation(t)
			st := &stream{presentation: p, shelf: store.Shelf(7), log: slog.New(slog.DiscardHandler)}
			forget := st.keep(ctx)
			cmaftest.Feed(t, p)
			first := filepath.Join(folder, "7", cmaf.SegmentName("360", 50))
			require.Eventually(t, func() bool { _, err := os.Stat(first); return err == nil }, 10*time.Second, time.Millisecond)
			if stopped {
				stop()
			}
			forget()
			_, err = os.Stat(first)
			require.Equal(t, stopped, err == nil)
		})
	}
}
