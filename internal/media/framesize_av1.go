package media

// av1Size reads the sequence header of a temporal unit (AV1, sections 5.3.2 and
// 5.5.1), which bounds the size of all frames up to the next one.
func av1Size(b []byte) (width, height int, ok bool) {
	const sequenceHeader = 1
	for len(b) > 0 {
		kind, extended, sized := b[0]>>3&15, b[0]&4 != 0, b[0]&2 != 0
		b = b[1:]
		if extended && len(b) > 0 {
			b = b[1:]
		}
		size := len(b)
		if sized {
			n, used := leb128(b)
			if used == 0 || n > len(b)-used {
				return 0, 0, false
			}
			b, size = b[used:], n
		}
		if kind == sequenceHeader {
			return sequenceSize(b[:size])
		}
		b = b[size:]
	}
	return 0, 0, false
}

// leb128 reads AV1, section 4.10.5, of up to four bytes; used is 0 for others.
func leb128(b []byte) (n, used int) {
	const most = 4
	for i := 0; i < min(len(b), most); i++ {
		n |= int(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, i + 1
		}
	}
	return 0, 0
}

func sequenceSize(b []byte) (width, height int, ok bool) {
	r := bits{b: b}
	r.read(4)           // profile, still_picture
	if r.read(1) == 1 { // reduced_still_picture_header
		r.read(5)
	} else {
		skipOperatingPoints(&r)
	}
	across, down := int(r.read(4))+1, int(r.read(4))+1
	width, height = int(r.read(across))+1, int(r.read(down))+1
	return width, height, !r.short
}

func skipOperatingPoints(r *bits) {
	model, delayBits := false, 0
	if r.read(1) == 1 { // timing_info
		r.read(32)
		r.read(32)
		if r.read(1) == 1 {
			r.golomb()
		}
		if model = r.read(1) == 1; model {
			delayBits = int(r.read(5)) + 1
			r.read(32)
			r.read(10)
		}
	}
	display := r.read(1) == 1
	for points := r.read(5) + 1; points > 0; points-- {
		r.read(12)
		if r.read(5) > 7 {
			r.read(1) // tier
		}
		if model && r.read(1) == 1 {
			r.read(delayBits)
			r.read(delayBits)
			r.read(1)
		}
		if display && r.read(1) == 1 {
			r.read(4)
		}
	}
}
