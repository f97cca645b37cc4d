// Package testpicture draws a test picture that says when it was drawn, to
// people and to programs, so that a picture at the far end tells its latency.
//
// All positions are on a grid of 40 columns and 45 rows over the whole picture,
// so they hold at every size: column c begins at pixel ⌊c·width/40⌋, row r at
// pixel ⌊r·height/45⌋. At 640x360 a cell is 16x8 pixels.
//
//	columns  rows
//	0–40     0–45    eight color bars of five columns each
//	4–36     10–20   the wall clock, hh:mm:ss.mmm, white on black
//	4–36     23–27   a white square, two columns wide, that glides from left to
//	                 right and back in four seconds
//	7–33     35–43   a black frame around the stamp
//	8–32     36–42   the stamp
//
// The stamp is three rows of 24 blocks, each one column wide and two grid rows
// high (16x16 pixels at 640x360); a white block is 1, a black one 0, the
// threshold is luma 128:
//
//	rows 36–38   the high 24 bits of the time, the highest at the left
//	rows 38–40   the low 24 bits
//	rows 40–42   check = high XOR low XOR 0x555555
//
// The time is in milliseconds since 1970-01-01 00:00 UTC, 48 bits. To read a
// block, take the mean of its inner half in both directions, which scaling and
// coding leave alone. A picture whose check does not fit, which each uniform one
// is, carries no stamp.
package testpicture

import (
	"errors"
	"time"
)

// The grid, and what stands where on it.
const (
	gridColumns = 40
	gridRows    = 45

	sweepPeriod = 4 * time.Second
)

// Luma of BT.601 video, whose range is 16 to 235.
const (
	black = 16
	grey  = 64
	white = 235
)

// neutral is the chroma of black, grey and white.
const neutral = 128

// A rect is a part of the grid, or of a plane, from the first column and row to
// the last, which it does not contain.
type rect struct{ left, top, right, bottom int }

// panels are the parts of the picture without color.
func panels() (clock, sweep, stamp rect) {
	return rect{4, 10, 36, 20}, rect{4, 23, 36, 27}, rect{7, 35, 33, 43}
}

// Picture draws frames of one size. It is safe for concurrent use.
type Picture struct {
	width, height int
	still         []byte // a whole frame of what does not move
}

// New is a test picture of a size in pixels: even, and at least 320x180.
func New(width, height int) (*Picture, error) {
	if width < 320 || height < 180 || width%2 != 0 || height%2 != 0 {
		return nil, errors.New("testpicture: width and height have to be even, and at least 320x180")
	}
	p := &Picture{width: width, height: height, still: make([]byte, width*height*3/2)}
	p.drawBars()
	clock, sweep, stamp := panels()
	p.drawPanel(clock, black)
	p.drawPanel(sweep, grey)
	p.drawPanel(stamp, black)
	return p, nil
}

// FrameSize is the length of a frame in bytes.
func (p *Picture) FrameSize() int { return len(p.still) }

// Draw draws the picture of a time into dst, one yuv420p frame of FrameSize
// bytes: the luma plane, then both chroma planes of half the width and height,
// without padding. The clock shows the time in at's own location.
func (p *Picture) Draw(dst []byte, at time.Time) {
	copy(dst[:len(p.still)], p.still)
	luma := plane{pixels: dst[:p.width*p.height], stride: p.width}
	p.drawClock(luma, at)
	p.drawSweep(luma, at)
	p.drawStamp(luma, at)
}

// drawSweep draws the square that glides to and fro.
func (p *Picture) drawSweep(luma plane, at time.Time) {
	_, lane, _ := panels()
	area := p.pixels(lane)
	size := p.pixels(rect{0, 0, 2, 0}).right
	travel := int64(area.right - area.left - size)
	period := sweepPeriod.Milliseconds()
	over := (at.UnixMilli()%period + period) % period // before 1970 the first remainder is negative
	way := 2 * travel * over / period
	x := area.left + int(min(way, 2*travel-way))
	luma.fill(rect{x, area.top, x + size, area.bottom}, white)
}

// drawBars draws color bars of 75 % (white, yellow, cyan, green, magenta, red,
// blue, black) in BT.601.
func (p *Picture) drawBars() {
	bars := [...]struct{ y, u, v byte }{
		{180, 128, 128},
		{162, 44, 142},
		{131, 156, 44},
		{112, 72, 58},
		{84, 184, 198},
		{65, 100, 212},
		{35, 212, 114},
		{16, 128, 128},
	}
	luma, cb, cr := p.planes()
	for i, bar := range bars {
		area := p.pixels(rect{i * gridColumns / len(bars), 0, (i + 1) * gridColumns / len(bars), gridRows})
		luma.fill(area, bar.y)
		cb.fill(area.half(), bar.u)
		cr.fill(area.half(), bar.v)
	}
}

// drawPanel takes the color out of a part of the picture, in which only luma
// has to be drawn from then on.
func (p *Picture) drawPanel(grid rect, y byte) {
	luma, cb, cr := p.planes()
	area := p.pixels(grid)
	luma.fill(area, y)
	cb.fill(area.half(), neutral)
	cr.fill(area.half(), neutral)
}

// pixels is a part of the grid in pixels.
func (p *Picture) pixels(grid rect) rect {
	return rect{
		left:   grid.left * p.width / gridColumns,
		top:    grid.top * p.height / gridRows,
		right:  grid.right * p.width / gridColumns,
		bottom: grid.bottom * p.height / gridRows,
	}
}

// planes are the three planes of the still picture.
func (p *Picture) planes() (luma, cb, cr plane) {
	size := p.width * p.height
	return plane{p.still[:size], p.width},
		plane{p.still[size : size*5/4], p.width / 2},
		plane{p.still[size*5/4:], p.width / 2}
}

// plane is one plane of a frame.
type plane struct {
	pixels []byte
	stride int // bytes from one row to the next
}

// fill paints a part of the plane.
func (p plane) fill(area rect, value byte) {
	if area.left >= area.right || area.top >= area.bottom {
		return
	}
	first := p.pixels[area.top*p.stride+area.left : area.top*p.stride+area.right]
	for i := range first {
		first[i] = value
	}
	for y := area.top + 1; y < area.bottom; y++ {
		copy(p.pixels[y*p.stride+area.left:], first)
	}
}

// half is the part of a chroma plane that covers a part of the luma plane.
func (r rect) half() rect {
	return rect{r.left / 2, r.top / 2, (r.right + 1) / 2, (r.bottom + 1) / 2}
}
