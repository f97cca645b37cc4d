package media

import "bytes"

// h264Size reads the first sequence parameter set of an access unit.
func h264Size(b []byte) (width, height int, ok bool) {
	const spsType, typeBits = 7, 0x1f
	for {
		_, after, found := bytes.Cut(b, []byte{0, 0, 1})
		if !found || len(after) == 0 {
			return 0, 0, false
		}
		if after[0]&typeBits == spsType {
			nal, _, _ := bytes.Cut(after[1:], []byte{0, 0, 1})
			return spsSize(nal)
		}
		b = after
	}
}

// maxSPS is more than any sequence parameter set that a browser sends.
const maxSPS = 1024

// spsSize reads H.264, section 7.3.2.1.1, up to the size in macroblocks. Cropping
// is left out: the decoder works on all of it.
func spsSize(nal []byte) (width, height int, ok bool) {
	nal = nal[:min(len(nal), maxSPS)]
	// Emulation prevention (section 7.4.1).
	r := bits{b: bytes.ReplaceAll(nal, []byte{0, 0, 3}, []byte{0, 0})}
	profile := r.read(8)
	r.read(16) // constraints, level
	r.golomb() // id
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		skipHighProfile(&r)
	}
	r.golomb() // log2_max_frame_num
	switch r.golomb() {
	case 0:
		r.golomb()
	case 1:
		r.read(1)
		r.golomb()
		r.golomb()
		for n := r.golomb(); n > 0 && !r.short; n-- {
			r.golomb()
		}
	}
	r.golomb() // max_num_ref_frames
	r.read(1)
	const macroblock, most = 16, 1 << 16
	across, down := r.golomb()+1, r.golomb()+1
	fields := 2 - r.read(1)
	if r.short || across == 0 || across > most || down == 0 || down > most {
		return 0, 0, false
	}
	return int(across) * macroblock, int(down*fields) * macroblock, true
}

func skipHighProfile(r *bits) {
	const yuv444 = 3
	chroma := r.golomb()
	lists := 8
	if chroma == yuv444 {
		r.read(1)
		lists = 12
	}
	r.golomb()
	r.golomb()
	r.read(1)
	if r.read(1) == 0 {
		return
	}
	for i := range lists {
		if r.read(1) == 0 {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		skipScalingList(r, size)
	}
}

// skipScalingList reads H.264, section 7.3.2.1.1.1.
func skipScalingList(r *bits, size int) {
	last, next := int32(8), int32(8)
	for range size {
		if next != 0 {
			next = (last + r.signedGolomb() + 256) % 256
		}
		if next != 0 {
			last = next
		}
	}
}

// signedGolomb reads se(v) (H.264, section 9.1.1).
func (r *bits) signedGolomb() int32 {
	v := r.golomb()
	half := int32(v>>1 + v&1)
	if v&1 == 0 {
		return -half
	}
	return half
}
