package testpicture

import "time"

// The stamp: see the package comment.
const (
	stampLeft  = 8  // grid column
	stampTop   = 36 // grid row
	blocks     = 24 // a row
	blockRows  = 2  // grid rows, the height of a block
	threshold  = 128
	checkMask  = 0x555555
	lowBits    = 1<<blocks - 1
	stampLines = 3
)

// stampOf is the three lines of a time's stamp.
func stampOf(at time.Time) [stampLines]uint32 {
	ms := at.UnixMilli()
	high, low := uint32(ms>>blocks)&lowBits, uint32(ms)&lowBits
	return [stampLines]uint32{high, low, high ^ low ^ checkMask}
}

// drawStamp draws the white blocks: the panel below is black.
func (p *Picture) drawStamp(luma plane, at time.Time) {
	for line, bits := range stampOf(at) {
		top := stampTop + line*blockRows
		for i := range blocks {
			if bits>>(blocks-1-i)&1 == 1 {
				left := stampLeft + i
				luma.fill(p.pixels(rect{left, top, left + 1, top + blockRows}), white)
			}
		}
	}
}

// ReadStamp reads the time off the luma plane of a test picture that was scaled
// to width and height, in pixels; stride is the number of bytes from one row of
// it to the next. It reports false for a picture without a stamp, for a damaged
// stamp, and for a plane that is shorter than it says.
func ReadStamp(luma []byte, stride, width, height int) (time.Time, bool) {
	// A picture smaller than its grid cannot show it. The division keeps a claimed
	// size from overflowing.
	if width < gridColumns || height < gridRows || stride < width || len(luma)/stride < height-1 ||
		len(luma)-(height-1)*stride < width {
		return time.Time{}, false
	}
	var lines [stampLines]uint32
	for line := range lines {
		for i := range blocks {
			lines[line] <<= 1
			if blockMean(plane{luma, stride}, width, height, line, i) >= threshold {
				lines[line] |= 1
			}
		}
	}
	high, low, check := lines[0], lines[1], lines[2]
	if high^low^checkMask != check {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(high)<<blocks | int64(low)).UTC(), true
}

// blockMean is the mean luma of the inner half, in both directions, of a block.
func blockMean(luma plane, width, height, line, i int) int {
	row := stampTop + line*blockRows
	// Quarters of a block from its edges: of a column across, of two rows down.
	left, right := inner(4*(stampLeft+i), 4*gridColumns, width)
	top, bottom := inner(2*row, 2*gridRows, height)
	sum := 0
	for y := top; y < bottom; y++ {
		for _, pixel := range luma.pixels[y*luma.stride+left : y*luma.stride+right] {
			sum += int(pixel)
		}
	}
	return sum / ((right - left) * (bottom - top))
}

// inner is the pixels from the first to the third quarter of a block that begins
// at the n-th of so many quarters of blocks over size pixels, at least one.
func inner(n, quarters, size int) (from, to int) {
	from = (n + 1) * size / quarters
	return from, max(from+1, (n+3)*size/quarters)
}
