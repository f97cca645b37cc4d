package testpicture

import (
	"bytes"
	"flag"
	"image"
	imagedraw "image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag of the test binary

func newPicture(tb testing.TB, width, height int) *Picture {
	tb.Helper()
	p, err := New(width, height)
	require.NoError(tb, err)
	return p
}

func draw(tb testing.TB, width, height int, at time.Time) []byte {
	tb.Helper()
	p := newPicture(tb, width, height)
	frame := make([]byte, p.FrameSize())
	p.Draw(frame, at)
	return frame
}

func noon() time.Time { return time.Date(2022, 2, 22, 12, 34, 56, 789_000_000, time.UTC) }

// sizes are those of the ladder, the smallest, and one that no grid divides.
func sizes() []image.Point {
	return []image.Point{{X: 320, Y: 180}, {X: 640, Y: 360}, {X: 854, Y: 480}, {X: 1280, Y: 720}, {X: 1920, Y: 1080}, {X: 326, Y: 578}}
}

func TestNewRefuses(t *testing.T) {
	for _, size := range []image.Point{{}, {X: 318, Y: 180}, {X: 320, Y: 178}, {X: 641, Y: 360}, {X: 640, Y: 361}, {X: -640, Y: -360}} {
		_, err := New(size.X, size.Y)
		require.Error(t, err, size)
	}
}

func TestDrawFillsOneFrame(t *testing.T) {
	for _, size := range sizes() {
		p := newPicture(t, size.X, size.Y)
		require.Equal(t, size.X*size.Y*3/2, p.FrameSize(), "luma, and two planes of a quarter")
		frame := bytes.Repeat([]byte{0xee}, p.FrameSize()+1)
		p.Draw(frame, noon())
		require.Equal(t, p.FrameSize(), bytes.IndexByte(frame, 0xee), "every pixel is drawn")
		require.Equal(t, byte(0xee), frame[p.FrameSize()], "and no more")
	}
}

func TestDrawAnyTime(t *testing.T) {
	for _, at := range []time.Time{{}, time.UnixMilli(-1), time.UnixMilli(-3999), time.Unix(1<<40, 0)} {
		require.NotPanics(t, func() { draw(t, 640, 360, at) }, at)
	}
}

func TestFramesDiffer(t *testing.T) {
	const frame = time.Second / 30
	p := newPicture(t, 640, 360)
	sweep := func(at time.Time) []byte {
		luma := make([]byte, p.FrameSize())
		p.Draw(luma, at)
		return luma[640*23*8 : 640*27*8]
	}
	for i := range 130 { // once there and back
		at := noon().Add(time.Duration(i) * frame)
		if bytes.Equal(sweep(at), sweep(at.Add(frame))) {
			// At the end of its way it may stand as far before the turn as after it.
			require.False(t, bytes.Equal(sweep(at), sweep(at.Add(2*frame))), "it moves on")
		}
	}
}

func TestDrawIsAFunctionOfTheTime(t *testing.T) {
	p := newPicture(t, 640, 360)
	first, second := make([]byte, p.FrameSize()), make([]byte, p.FrameSize())
	p.Draw(first, noon())
	p.Draw(second, noon().Add(time.Hour))
	require.False(t, bytes.Equal(first, second))
	p.Draw(second, noon())
	require.True(t, bytes.Equal(first, second), "nothing is left of the frame before")
}

func TestClockText(t *testing.T) {
	for want, at := range map[string]time.Time{
		"12:34:56.789": noon(),
		"00:00:00.000": time.Date(2022, 2, 22, 0, 0, 0, 999_999, time.UTC),
		"13:34:56.789": noon().In(time.FixedZone("UTC+1", 3600)),
	} {
		text := clockText(at)
		require.Equal(t, want, string(text[:]))
	}
}

// The golden picture is what a person looks at after a change.
func TestGoldenPicture(t *testing.T) {
	golden := filepath.Join("testdata", "noon.png")
	drawn := encode(t, draw(t, 640, 360, noon()), 640, 360)
	if *update {
		require.NoError(t, os.WriteFile(golden, drawn, 0o600))
	}
	kept, err := os.ReadFile(golden) //nolint:gosec // G304: a constant
	require.NoError(t, err)
	require.True(t, bytes.Equal(decode(t, kept), decode(t, drawn)), "the picture is another; look at it with -update")
}

// encode makes a PNG of a frame, its narrow range widened.
func encode(t *testing.T, frame []byte, width, height int) []byte {
	t.Helper()
	size := width * height
	widened := make([]byte, len(frame))
	for i, v := range frame {
		if i < size {
			widened[i] = byte((int(v) - black) * 255 / (white - black))
		} else {
			widened[i] = byte(min((int(v)-neutral)*255/224+neutral, 255))
		}
	}
	bounds := image.Rect(0, 0, width, height)
	rgba := image.NewRGBA(bounds) // PNG knows no YCbCr
	imagedraw.Draw(rgba, bounds, &image.YCbCr{
		Y: widened[:size], Cb: widened[size : size*5/4], Cr: widened[size*5/4:],
		YStride: width, CStride: width / 2,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: bounds,
	}, image.Point{}, imagedraw.Src)
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, rgba))
	return out.Bytes()
}

// decode is the pixels of a PNG: its bytes are the encoder's business.
func decode(t *testing.T, data []byte) []byte {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	rgba, ok := decoded.(*image.RGBA)
	require.True(t, ok, "%T", decoded)
	return rgba.Pix
}

func TestDrawAllocatesNothing(t *testing.T) {
	p := newPicture(t, 640, 360)
	frame := make([]byte, p.FrameSize())
	require.Zero(t, testing.AllocsPerRun(10, func() { p.Draw(frame, noon()) }))
}

func BenchmarkDraw720p(b *testing.B) {
	p := newPicture(b, 1280, 720)
	frame := make([]byte, p.FrameSize())
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for at := noon(); b.Loop(); at = at.Add(time.Second / 30) {
		p.Draw(frame, at)
	}
}
