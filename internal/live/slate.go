package live

import (
	"context"
	"sync"

	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/media"
)

// slates makes the slate of each codec once for all streams.
type slates struct {
	program     string
	confinement ffmpeg.Confinement
	mu          sync.Mutex
	made        map[media.Codec][]byte
}

// get returns the slate of a codec, which FFmpeg makes the first time. Two
// callers may both make it; they make the same.
func (s *slates) get(ctx context.Context, codec media.Codec) ([]byte, error) {
	if slate := s.known(codec); slate != nil {
		return slate, nil
	}
	slate, err := s.confinement.Slate(ctx, s.program, codec)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[codec] = slate
	return slate, nil
}

func (s *slates) known(codec media.Codec) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[codec]
}
