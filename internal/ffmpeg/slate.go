package ffmpeg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sluicelive/sluice/internal/media"
)

// slateEncoder is FFmpeg's arguments for a key frame in a codec that browsers
// send, and for a muxer that lets the frame be cut out again; nil for others.
func slateEncoder(codec media.Codec) []string {
	switch codec {
	case media.VP8:
		return []string{"-c:v", "libvpx", "-f", "ivf"}
	case media.VP9:
		return []string{"-c:v", "libvpx-vp9", "-f", "ivf"}
	case media.AV1:
		return []string{"-c:v", "libaom-av1", "-cpu-used", "8", "-f", "ivf"}
	case media.H264:
		return []string{"-c:v", "libx264", "-profile:v", "baseline", "-tune", "zerolatency", "-f", "h264"}
	default:
		return nil
	}
}

// Slate makes the picture that is shown while no video comes: one dark key
// frame of 640×360 in the given codec, in the form of media.Frame.
func (c Confinement) Slate(ctx context.Context, program string, codec media.Codec) ([]byte, error) {
	encoder := slateEncoder(codec)
	if encoder == nil {
		return nil, fmt.Errorf("ffmpeg: no slate in %v", codec)
	}
	args := append([]string{
		"-hide_banner", "-nostdin", "-loglevel", "error",
		"-f", "lavfi", "-i", "color=c=0x16181d:s=640x360:r=30", "-frames:v", "1", "-pix_fmt", "yuv420p",
	}, encoder...)
	out, err := c.run(ctx, program, append(args, "pipe:1")...)
	if err != nil {
		return nil, err
	}
	if codec == media.H264 {
		return out, nil // Annex B: the file is the access unit
	}
	return firstIVFFrame(out)
}

// firstIVFFrame cuts the first frame out of an IVF file: 32 bytes of file
// header whose length stands at byte 6, 12 bytes of frame header that open with
// the frame's length.
func firstIVFFrame(b []byte) ([]byte, error) {
	const fileHead, frameHead = 32, 12
	if len(b) < fileHead+frameHead || string(b[:4]) != "DKIF" {
		return nil, errors.New("ffmpeg: not an IVF file")
	}
	at := int(binary.LittleEndian.Uint16(b[6:]))
	if at < fileHead || len(b) < at+frameHead {
		return nil, errors.New("ffmpeg: broken IVF header")
	}
	size, b := binary.LittleEndian.Uint32(b[at:]), b[at+frameHead:]
	if uint64(size) > uint64(len(b)) || size == 0 {
		return nil, errors.New("ffmpeg: broken IVF frame")
	}
	return b[:size:size], nil
}
