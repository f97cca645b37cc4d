package ffmpeg

import (
	"bytes"
	"context"
	"errors"

	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/mkv"
)

// Decodes checks that program decodes a video codec, on its slate. A listed
// decoder does not tell: some need hardware that is not there.
func (c Confinement) Decodes(ctx context.Context, program string, codec media.Codec) error {
	var input bytes.Buffer
	w, err := mkv.NewWriter(&input, codec)
	if err != nil {
		return err
	}
	if err := w.WriteVideo(0, true, media.Slate(codec)); err != nil {
		return err
	}
	out, err := c.runWith(ctx, &input, program,
		"-hide_banner", "-loglevel", "error", "-f", "matroska", "-i", "pipe:0", "-f", "rawvideo", "pipe:1")
	if err == nil && len(out) == 0 {
		err = errors.New("ffmpeg: no frame comes out")
	}
	return err
}
