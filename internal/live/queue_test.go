package live

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/media"
)

func TestTheEncodersQueueIsBoundedInBytes(t *testing.T) {
	e := newEncoder(0, func() {}, slog.New(slog.DiscardHandler))
	e.codec = media.VP8
	frame := make([]byte, 1<<20)
	taken := 0
	for n := range queueLength / 2 {
		if e.video(time.Duration(n)*time.Millisecond, true, frame) {
			taken++
		}
	}
	require.LessOrEqual(t, taken*len(frame), 16<<20)
	require.Equal(t, int64(queueLength/2-taken), e.dropped.Load(), "what is dropped is counted")

	ctx, cancel := context.WithCancel(t.Context())
	written, wrote := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- e.write(ctx, wrote) }()
	_, err := io.CopyN(io.Discard, written, int64(2*len(frame)))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return e.video(time.Minute, true, frame) }, time.Second, time.Millisecond, "what the encoder read makes room")
	cancel()
	require.NoError(t, written.Close())
	require.Error(t, <-done)
}
