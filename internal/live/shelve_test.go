package live

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/cmaf"
	"github.com/sluicelive/sluice/internal/cmaf/cmaftest"
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

// What is complete is put, what the window lets go is dropped, and what cannot
// be put is said once.
func TestShelver(t *testing.T) {
	shelf := &memoryShelf{refused: 51, held: map[uint64]bool{}}
	p := cmaftest.NewPresentation(t)
	track := p.Track("360")
	var said bytes.Buffer
	s := &shelver{track: track, shelf: shelf, log: slog.New(slog.NewTextHandler(&said, nil)), nothing: true}
	done := make(chan struct{})
	go func() { defer close(done); s.run(t.Context()) }()

	const runs = 12 // of seven seconds, eight apart: more than the window holds
	for shift := range uint64(runs) {
		run := cmaftest.Shift(t, cmaftest.Encoded(t, "360"), 8*shift)
		require.NoError(t, track.Consume(t.Context(), bytes.NewReader(run)))
	}
	require.NoError(t, track.End())
	<-done

	end := track.Snapshot()
	require.Empty(t, end.Segments, "memory is let go at the end")
	for number := range shelf.held {
		require.GreaterOrEqual(t, number, uint64(50), "what was made")
	}
	require.NotContains(t, shelf.held, uint64(51))
	require.Equal(t, 1, bytes.Count(said.Bytes(), []byte("disk is full")))
}
