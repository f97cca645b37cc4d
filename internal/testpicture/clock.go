package testpicture

import "time"

// The clock has nine digits and three signs half as wide, with a margin of a
// half digit at either end: 11½ digits over the panel.
const (
	halfCells = 23 // half digits over the panel
	margin    = 1  // half digits before the first
)

// drawClock writes hh:mm:ss.mmm in seven-segment digits.
func (p *Picture) drawClock(luma plane, at time.Time) {
	panel, _, _ := panels()
	area := p.pixels(panel)
	width := area.right - area.left
	cell := margin
	for _, sign := range clockText(at) {
		cells := 2
		if sign == ':' || sign == '.' {
			cells = 1
		}
		box := rect{
			left: area.left + cell*width/halfCells, right: area.left + (cell+cells)*width/halfCells,
			top: area.top, bottom: area.bottom,
		}
		drawSign(luma, box, sign)
		cell += cells
	}
}

// clockText is hh:mm:ss.mmm, without allocation.
func clockText(at time.Time) [12]byte {
	hour, minute, second := at.Clock()
	ms := at.Nanosecond() / int(time.Millisecond)
	digit := func(n int) byte { return '0' + byte(n%10) }
	return [12]byte{
		digit(hour / 10), digit(hour), ':', digit(minute / 10), digit(minute), ':',
		digit(second / 10), digit(second), '.', digit(ms / 100), digit(ms / 10), digit(ms),
	}
}

// drawSign draws a digit, a colon or a point in a box, with a space around it.
func drawSign(luma plane, box rect, sign byte) {
	height := box.bottom - box.top
	thick := max(height/10, 2)
	r := rect{box.left + thick/2, box.top + height/8, box.right - thick/2, box.bottom - height/8}
	switch sign {
	case ':':
		drawDot(luma, r, (2*r.top+r.bottom)/3, thick)
		drawDot(luma, r, (r.top+2*r.bottom)/3, thick)
	case '.':
		drawDot(luma, r, r.bottom-thick/2, thick)
	default:
		drawDigit(luma, r, sign, thick)
	}
}

// drawDot draws a square dot in the middle of r, at height y.
func drawDot(luma plane, r rect, y, thick int) {
	x := (r.left + r.right) / 2
	luma.fill(rect{x - thick/2, y - thick/2, x - thick/2 + thick, y - thick/2 + thick}, white)
}

// drawDigit draws the segments of a digit along the edges of r.
func drawDigit(luma plane, r rect, digit byte, thick int) {
	// The segments of each digit: bit 0 is the top, then clockwise to the upper
	// left, and bit 6 the middle.
	lit := [10]byte{0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f}[digit-'0']
	middle := (r.top + r.bottom) / 2
	for i, segment := range [7]rect{
		{r.left, r.top, r.right, r.top + thick},
		{r.right - thick, r.top, r.right, middle},
		{r.right - thick, middle, r.right, r.bottom},
		{r.left, r.bottom - thick, r.right, r.bottom},
		{r.left, middle, r.left + thick, r.bottom},
		{r.left, r.top, r.left + thick, middle},
		{r.left, middle - thick/2, r.right, middle - thick/2 + thick},
	} {
		if lit>>i&1 == 1 {
			luma.fill(segment, white)
		}
	}
}
