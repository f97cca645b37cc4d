package depacket_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/jitter"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc/depacket"
)

// NAL units whose first slices start at macroblock 0.
const (
	sps    = "\x67\x42\xe0\x1f\x01"
	sps2   = "\x67\x42\xe0\x1f\x02"
	pps    = "\x68\xce\x3c\x80"
	idr    = "\x65\x88\x01\x02\x03"
	idr2nd = "\x65\x48\x04\x05\x06" // a later slice of the picture
	slice  = "\x41\x9a\x07\x08\x09"
	aud    = "\x09\xf0"
	sei    = "\x06\x05\x01"
)

func annexB(nals ...string) (out []byte) {
	for _, n := range nals {
		out = append(append(out, 0, 0, 0, 1), n...)
	}
	return out
}

func stapA(nals ...string) []byte {
	out := []byte{24}
	for _, n := range nals {
		out = append(append(out, 0, byte(len(n))), n...)
	}
	return out
}

// fuA cuts a NAL unit in two.
func fuA(nal string) (first, last []byte) {
	indicator, kind := nal[0]&0xe0|28, nal[0]&0x1f
	return append([]byte{indicator, 0x80 | kind}, nal[1:3]...), append([]byte{indicator, 0x40 | kind}, nal[3:]...)
}

// at is a packet; end is one with the marker.
func at[T string | []byte](timestamp uint32, payload T) jitter.Packet {
	return jitter.Packet{Timestamp: timestamp, Payload: []byte(payload)}
}

func end[T string | []byte](timestamp uint32, payload T) jitter.Packet {
	return jitter.Packet{Timestamp: timestamp, Payload: []byte(payload), Marker: true}
}

func gap(p jitter.Packet) jitter.Packet {
	p.Gap = true
	return p
}

func TestH264(t *testing.T) {
	first, last := fuA(idr)
	for _, tc := range []struct {
		name    string
		packets []jitter.Packet
		frames  [][]byte
		keys    []bool
	}{
		{
			"parameter sets and IDR one by one",
			[]jitter.Packet{at(0, sps), at(0, pps), end(0, idr)},
			[][]byte{annexB(sps, pps, idr)},
			[]bool{true},
		},
		{
			"parameter sets aggregated, IDR cut",
			[]jitter.Packet{at(0, stapA(sps, pps)), at(0, first), end(0, last)},
			[][]byte{annexB(sps, pps, idr)},
			[]bool{true},
		},
		{
			"parameter sets under a timestamp of their own",
			[]jitter.Packet{at(0, stapA(sps, pps)), end(5, idr)},
			[][]byte{annexB(sps, pps, idr)},
			[]bool{true},
		},
		{
			"parameter sets marked, under the timestamp of the IDR",
			[]jitter.Packet{end(5, sps), end(5, pps), end(5, idr)},
			[][]byte{annexB(sps, pps, idr)},
			[]bool{true},
		},
		{
			"parameter sets sent once",
			[]jitter.Packet{at(0, stapA(sps, pps)), end(0, idr), end(1, slice), end(2, idr)},
			[][]byte{annexB(sps, pps, idr), annexB(slice), annexB(sps, pps, idr)},
			[]bool{true, false, true},
		},
		{
			"parameter sets that change",
			[]jitter.Packet{at(0, stapA(sps, pps)), end(0, idr), at(1, stapA(sps2, pps)), end(2, idr)},
			[][]byte{annexB(sps, pps, idr), annexB(sps2, pps, idr)},
			[]bool{true, true},
		},
		{
			"several slices",
			[]jitter.Packet{at(0, stapA(sps, pps)), at(0, idr), end(0, idr2nd)},
			[][]byte{annexB(sps, pps, idr, idr2nd)},
			[]bool{true},
		},
		{
			"delimiters go, SEI stays",
			[]jitter.Packet{at(0, aud), at(0, sps), at(0, pps), at(0, sei), end(0, idr)},
			[][]byte{annexB(sps, pps, sei, idr)},
			[]bool{true},
		},
		{
			"a delimiter between parameter sets sent apart",
			[]jitter.Packet{at(0, sps), at(1, aud), at(1, pps), at(1, idr), end(2, slice)},
			[][]byte{annexB(sps, pps, pps, idr), annexB(slice)},
			[]bool{true, false},
		},
		{"an IDR without parameter sets is no start", []jitter.Packet{end(0, idr), end(1, slice)}, nil, nil},
		{
			"an IDR whose first slice is lost",
			[]jitter.Packet{at(0, stapA(sps, pps)), end(0, idr), gap(end(1, idr2nd))},
			[][]byte{annexB(sps, pps, idr)},
			[]bool{true},
		},
		{
			"an IDR whose parameter sets may be lost",
			[]jitter.Packet{at(0, stapA(sps, pps)), end(0, idr), gap(end(1, idr))},
			[][]byte{annexB(sps, pps, idr)},
			[]bool{true},
		},
		{"a cut without start", []jitter.Packet{at(0, stapA(sps, pps)), end(0, last)}, nil, nil},
		{"a cut without end", []jitter.Packet{at(0, stapA(sps, pps)), end(0, first)}, nil, nil},
		{"an aggregate cut short", []jitter.Packet{at(0, []byte{24, 0, 9, 0x67}), end(0, idr)}, nil, nil},
		{"an interleaved mode", []jitter.Packet{at(0, stapA(sps, pps)), at(0, []byte{25, 0, 0}), end(0, idr)}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := assemble(depacket.New(media.H264), tc.packets...)
			require.Len(t, got, len(tc.frames))
			for i, f := range got {
				require.Equal(t, tc.frames[i], f.Data)
				require.Equal(t, tc.keys[i], f.Key)
			}
		})
	}
}

func TestParameterSetsAreBounded(t *testing.T) {
	a := depacket.New(media.H264)
	for i := range 10_000 {
		assemble(a, end(uint32(i), []byte{0x68, byte(i), byte(i >> 8), 1}))
	}
	got := assemble(a, end(20_000, idr))
	require.Len(t, got, 1)
	require.Less(t, len(got[0].Data), 10_000)
}

// A VP9 key frame's first bytes: frame marker, profile 0, key frame, shown; the
// sync code; 8 bit, 96×64.
const vp9Key = "\x82\x49\x83\x42\x00\x05\xf0\x03\xf0\x00"

func TestVP9LayersBecomeASuperframe(t *testing.T) {
	// Payload descriptors (RFC 9628, section 4.2): begin 0x08, end 0x04, layer
	// indices 0x20 and the byte of them with its TL0PICIDX.
	layer := func(flags, id byte, data string) []byte {
		return append([]byte{0x20 | flags, id << 1, 0}, data...)
	}
	const upper = "\x86\x01\x02\x03"
	got := assemble(depacket.New(media.VP9),
		at(0, layer(0x08, 0, vp9Key[:6])),
		at(0, layer(0x04, 0, vp9Key[6:])),
		end(0, layer(0x0c, 1, upper)),
	)
	require.Len(t, got, 1)
	require.True(t, got[0].Key)
	index := []byte{0xc1, byte(len(vp9Key)), byte(len(upper)), 0xc1}
	require.Equal(t, append(append(append([]byte{}, vp9Key...), upper...), index...), got[0].Data)
}

func TestVP9(t *testing.T) {
	for _, tc := range []struct {
		name    string
		packets []jitter.Packet
		frames  int
	}{
		{"whole", []jitter.Packet{end(0, append([]byte{0x0c}, vp9Key...))}, 1},
		{"without end", []jitter.Packet{end(0, append([]byte{0x08}, vp9Key...))}, 0},
		{"without begin", []jitter.Packet{end(0, append([]byte{0x04}, vp9Key...))}, 0},
		{"intra only is no key frame", []jitter.Packet{end(0, append([]byte{0x0c}, 0x84, 0x49, 0x83, 0x42, 0, 0, 0, 0, 0))}, 0},
		{"an existing frame shown is no key frame", []jitter.Packet{end(0, append([]byte{0x0c}, 0x88))}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Len(t, assemble(depacket.New(media.VP9), tc.packets...), tc.frames)
		})
	}
}

func TestVP8(t *testing.T) {
	key := []byte{0x10, 0x00, 0x00, 0x9d, 0x01, 0x2a, 96, 0, 64, 0}
	key = append([]byte{0x10, 0x10, 0x02, 0x00}, key[3:]...) // S bit, then the tag
	for _, tc := range []struct {
		name    string
		packets []jitter.Packet
		frames  int
	}{
		{"whole", []jitter.Packet{end(0, key)}, 1},
		{"a key frame without its start code", []jitter.Packet{end(0, []byte{0x10, 0x10, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8})}, 0},
		{"two starts", []jitter.Packet{at(0, key), end(0, key)}, 0},
		{"not from its start", []jitter.Packet{end(0, append([]byte{0}, key[1:]...))}, 0},
		{"descriptor cut short", []jitter.Packet{end(0, []byte{0x90})}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Len(t, assemble(depacket.New(media.VP8), tc.packets...), tc.frames)
		})
	}
}

func TestAV1(t *testing.T) {
	// OBUs without sizes, in one-element packets (W = 1); sequence header 0x08,
	// frame 0x30, temporal delimiter 0x10.
	for _, tc := range []struct {
		name    string
		packets []jitter.Packet
		frames  [][]byte
	}{
		{
			"sequence header and frame",
			[]jitter.Packet{at(0, []byte{0x18, 0x08, 1, 2}), end(0, []byte{0x10, 0x30, 3})},
			[][]byte{{0x0a, 2, 1, 2, 0x32, 1, 3}},
		},
		{
			"a frame cut in two",
			[]jitter.Packet{at(0, []byte{0x18, 0x08, 1}), at(0, []byte{0x50, 0x30, 3}), end(0, []byte{0x90, 4})},
			[][]byte{{0x0a, 1, 1, 0x32, 2, 3, 4}},
		},
		{
			"temporal delimiters go",
			[]jitter.Packet{at(0, []byte{0x10, 0x10}), at(0, []byte{0x18, 0x08, 1}), end(0, []byte{0x10, 0x30, 3})},
			[][]byte{{0x0a, 1, 1, 0x32, 1, 3}},
		},
		{
			"sizes before all elements",
			[]jitter.Packet{end(0, []byte{0x08, 2, 0x08, 1, 2, 0x30, 3})},
			[][]byte{{0x0a, 1, 1, 0x32, 1, 3}},
		},
		{
			"OBUs that have their sizes",
			[]jitter.Packet{at(0, []byte{0x18, 0x0a, 2, 1, 2}), end(0, []byte{0x10, 0x36, 0x00, 1, 3})},
			[][]byte{{0x0a, 2, 1, 2, 0x36, 0x00, 1, 3}},
		},
		{"fewer elements than announced", []jitter.Packet{at(0, []byte{0x18, 0x08, 1}), end(0, []byte{0x20, 2, 0x30, 3})}, nil},
		{"an element longer than its packet", []jitter.Packet{at(0, []byte{0x18, 0x08, 1}), end(0, []byte{0x00, 9, 0x30, 3})}, nil},
		{"without sequence header is no start", []jitter.Packet{end(0, []byte{0x10, 0x30, 3})}, nil},
		{"a cut without start", []jitter.Packet{at(0, []byte{0x18, 0x08, 1}), end(0, []byte{0x90, 4})}, nil},
		{"a cut without end", []jitter.Packet{at(0, []byte{0x18, 0x08, 1}), end(0, []byte{0x50, 0x30, 3})}, nil},
		{"a cut that does not go on", []jitter.Packet{at(0, []byte{0x18, 0x08, 1}), at(0, []byte{0x50, 0x30, 3}), end(0, []byte{0x10, 0x30, 5})}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := assemble(depacket.New(media.AV1), tc.packets...)
			require.Len(t, got, len(tc.frames))
			for i, f := range got {
				require.Equal(t, tc.frames[i], f.Data)
				require.True(t, f.Key)
			}
		})
	}
}
