package testpicture

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStampComesBack(t *testing.T) {
	for _, at := range []time.Time{
		time.UnixMilli(0), noon(), time.UnixMilli(1<<24 - 1), time.UnixMilli(1 << 24), time.UnixMilli(1<<48 - 1),
	} {
		for _, size := range sizes() {
			luma := draw(t, size.X, size.Y, at)
			got, ok := ReadStamp(luma, size.X, size.X, size.Y)
			require.True(t, ok, "%v at %v", at, size)
			require.Equal(t, at.UTC(), got, "at %v", size)
		}
	}
}

func TestStampIsInMilliseconds(t *testing.T) {
	luma := draw(t, 640, 360, noon().Add(999*time.Microsecond).In(time.FixedZone("UTC+1", 3600)))
	got, ok := ReadStamp(luma, 640, 640, 360)
	require.True(t, ok)
	require.Equal(t, noon(), got)
}

func TestStampAfterScaling(t *testing.T) {
	for _, size := range sizes() {
		luma := draw(t, size.X, size.Y, noon())
		for _, to := range []struct{ numerator, denominator int }{{1, 2}, {2, 1}, {3, 4}, {4, 3}} {
			width, height := size.X*to.numerator/to.denominator, size.Y*to.numerator/to.denominator
			t.Run(fmt.Sprintf("%v to %dx%d", size, width, height), func(t *testing.T) {
				scaled := scale(luma, size.X, size.Y, width, height)
				got, ok := ReadStamp(scaled, width, width, height)
				require.True(t, ok)
				require.Equal(t, noon(), got)
			})
		}
	}
}

func TestStampAfterCoding(t *testing.T) {
	luma := draw(t, 640, 360, noon())
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // G404: noise
	for i := range luma {
		luma[i] = byte(min(max(int(luma[i])+random.IntN(121)-60, 0), 255))
	}
	got, ok := ReadStamp(luma, 640, 640, 360)
	require.True(t, ok, "noise of a quarter of the range is averaged away")
	require.Equal(t, noon(), got)
}

func TestStampInAWiderPlane(t *testing.T) {
	const stride = 704 // as decoders pad rows
	luma := draw(t, 640, 360, noon())
	padded := make([]byte, stride*359+640) // the last row is not padded
	for y := range 360 {
		copy(padded[y*stride:], luma[y*640:(y+1)*640])
	}
	got, ok := ReadStamp(padded, stride, 640, 360)
	require.True(t, ok)
	require.Equal(t, noon(), got)
}

func TestNoStamp(t *testing.T) {
	const width, height = 640, 360
	stamped := draw(t, width, height, noon())
	uniform := func(value byte) []byte {
		luma := make([]byte, width*height)
		plane{luma, width}.fill(rect{0, 0, width, height}, value)
		return luma
	}
	oneBlockWrong := append([]byte(nil), stamped...)
	p := newPicture(t, width, height)
	plane{oneBlockWrong, width}.fill(p.pixels(rect{stampLeft, stampTop, stampLeft + 1, stampTop + blockRows}), white)
	for name, luma := range map[string][]byte{
		"black":                    uniform(black),
		"grey below the threshold": uniform(127),
		"grey above it":            uniform(128),
		"white":                    uniform(white),
		"the picture unstamped":    p.still,
		"one block wrong":          oneBlockWrong,
	} {
		_, ok := ReadStamp(luma, width, width, height)
		require.False(t, ok, name)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // G404: noise
	noise := make([]byte, 40*45)
	for range 10_000 {
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		_, ok := ReadStamp(noise, 40, 40, 45)
		require.False(t, ok, "noise")
	}
}

func TestReadStampTrustsNoSize(t *testing.T) {
	luma := draw(t, 640, 360, noon())[:640*360]
	for _, claim := range []struct {
		name                  string
		luma                  []byte
		stride, width, height int
	}{
		{"nothing", nil, 0, 0, 0},
		{"no plane", nil, 640, 640, 360},
		{"a byte short", luma[:len(luma)-1], 640, 640, 360},
		{"a row short", luma, 640, 640, 361},
		{"rows that overlap", luma, 600, 640, 360},
		{"negative width", luma, 640, -640, 360},
		{"negative height", luma, 640, 640, -360},
		{"negative stride", luma, -640, 640, 360},
		{"smaller than its grid", luma, 640, 39, 44},
		{"a size that overflows", luma, 1 << 62, 1 << 62, 1 << 62},
	} {
		_, ok := ReadStamp(claim.luma, claim.stride, claim.width, claim.height)
		require.False(t, ok, claim.name)
	}
}

// scale scales a plane as a player does, each pixel a mean of those around it.
func scale(luma []byte, width, height, toWidth, toHeight int) []byte {
	const samples = 2 // across and down, a pixel
	out := make([]byte, toWidth*toHeight)
	for i := range out {
		x, y := i%toWidth, i/toWidth
		sum := 0
		for j := range samples * samples {
			sx := (2*(x*samples+j%samples) + 1) * width / (2 * samples * toWidth)
			sy := (2*(y*samples+j/samples) + 1) * height / (2 * samples * toHeight)
			sum += int(luma[sy*width+sx])
		}
		out[i] = byte(sum / (samples * samples))
	}
	return out
}

func FuzzReadStamp(f *testing.F) {
	f.Add(draw(f, 320, 180, noon())[:320*180], 320, 320, 180)
	f.Add([]byte{}, 0, 0, 0)
	f.Fuzz(func(t *testing.T, luma []byte, stride, width, height int) {
		at, ok := ReadStamp(luma, stride, width, height)
		if ok {
			require.GreaterOrEqual(t, at.UnixMilli(), int64(0))
			require.Less(t, at.UnixMilli(), int64(1)<<48)
		}
	})
}

func BenchmarkReadStamp720p(b *testing.B) {
	luma := draw(b, 1280, 720, noon())
	for b.Loop() {
		ReadStamp(luma, 1280, 1280, 720)
	}
}
