package depacket_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/jitter"
	"github.com/sluicelive/sluice/internal/media"
)

// fixture is coded video: 12 frames of 96×64, a key frame every 6. The files
// are FFmpeg's testsrc2 at 15 frames a second, encoded by libvpx, libvpx-vp9,
// libaom-av1 and libx264 (two slices a picture, parameter sets before each IDR).
type fixture struct {
	codec     media.Codec
	file      string
	payloader rtp.Payloader
}

func fixtures() []fixture {
	return []fixture{
		{media.VP8, "vp8.ivf", &codecs.VP8Payloader{EnablePictureID: true}},
		{media.VP9, "vp9.ivf", &codecs.VP9Payloader{}},
		{media.AV1, "av1.ivf", &codecs.AV1Payloader{}},
		{media.H264, "h264.h264", &codecs.H264Payloader{}},
	}
}

func (f fixture) frames(tb testing.TB) [][]byte {
	tb.Helper()
	data, err := os.ReadFile("testdata/" + f.file)
	require.NoError(tb, err)
	if f.codec == media.H264 {
		return accessUnits(data)
	}
	reader, _, err := ivfreader.NewWith(bytes.NewReader(data))
	require.NoError(tb, err)
	var frames [][]byte
	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return frames
		}
		require.NoError(tb, err)
		if f.codec == media.AV1 {
			frame = bytes.TrimPrefix(frame, []byte{0x12, 0x00}) // temporal delimiter
		}
		frames = append(frames, frame)
	}
}

// accessUnits splits an Annex B stream and gives every NAL unit a start code of
// four bytes.
func accessUnits(stream []byte) (units [][]byte) {
	picture := true
	for _, nal := range bytes.Split(bytes.ReplaceAll(stream, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1})[1:] {
		slice := nal[0]&0x1f == 1 || nal[0]&0x1f == 5
		if picture && (!slice || nal[1]&0x80 != 0) {
			units = append(units, nil)
		}
		picture = slice
		last := &units[len(units)-1]
		*last = append(append(*last, 0, 0, 0, 1), nal...)
	}
	return units
}

// packets are the frames as a sender packs them, 200 bytes each, with the index
// of its frame as each packet's timestamp.
func (f fixture) packets(tb testing.TB) (list []jitter.Packet) {
	tb.Helper()
	for i, frame := range f.frames(tb) {
		payloads := f.payloader.Payload(200, frame)
		for j, p := range payloads {
			list = append(list, jitter.Packet{
				Sequence:  uint16(len(list)),
				Timestamp: uint32(i),
				Marker:    j == len(payloads)-1,
				Payload:   p,
				Arrived:   arrival(len(list)),
			})
		}
	}
	return list
}
