package depacket_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/jitter"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc/depacket"
)

func arrival(n int) time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Millisecond)
}

// assemble pushes packets and collects the frames.
func assemble(a *depacket.Assembler, packets ...jitter.Packet) (frames []media.Frame) {
	for _, p := range packets {
		a.Push(p, func(f media.Frame) { frames = append(frames, f) })
	}
	return frames
}

func TestFramesComeOutAsTheyWentIn(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.codec.String(), func(t *testing.T) {
			want, packets := f.frames(t), f.packets(t)
			require.Len(t, want, 12)
			require.Greater(t, len(packets), 20, "frames must take several packets")
			got := assemble(depacket.New(f.codec), packets...)
			require.Len(t, got, len(want))
			for i := range want {
				require.Equal(t, want[i], got[i].Data, "frame %d", i)
				require.Equal(t, i%6 == 0, got[i].Key, "frame %d", i)
				require.Equal(t, uint32(i), got[i].RTPTime)
				require.Equal(t, f.codec, got[i].Codec)
			}
		})
	}
}

func TestAFrameIsCompleteWithItsMarkedPacket(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.codec.String(), func(t *testing.T) {
			a := depacket.New(f.codec)
			for _, p := range f.packets(t) {
				got := assemble(a, p)
				require.Equal(t, p.Marker, len(got) == 1)
				if p.Marker {
					require.Equal(t, p.Arrived, got[0].Arrived)
				}
			}
		})
	}
}

func TestAFrameWithoutMarkerIsCompleteWithTheNextTimestamp(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.codec.String(), func(t *testing.T) {
			packets := f.packets(t)
			for i := range packets {
				packets[i].Marker = false
			}
			require.Len(t, assemble(depacket.New(f.codec), packets...), 11)
		})
	}
}

// TestNoFrameIsHandedOutBrokenWhateverIsLost drops each run of one to three
// packets, and looks whether what comes out is what went in, up to the frame
// before the loss, and from a key frame after it.
func TestNoFrameIsHandedOutBrokenWhateverIsLost(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.codec.String(), func(t *testing.T) {
			want, packets := f.frames(t), f.packets(t)
			for run := 1; run <= 3; run++ {
				for at := 0; at+run < len(packets); at++ {
					checkLoss(t, f.codec, want, packets, at, run)
				}
			}
		})
	}
}

// checkLoss loses a run of packets from one at.
func checkLoss(t *testing.T, codec media.Codec, want [][]byte, packets []jitter.Packet, at, run int) {
	t.Helper()
	rest := slices.Clone(packets[at+run:])
	rest[0].Gap = true
	a := depacket.New(codec)
	got := append(assemble(a, packets[:at]...), assemble(a, rest...)...)

	first, last := packets[at].Timestamp, packets[at+run-1].Timestamp
	times := make([]uint32, 0, len(got))
	for i, frame := range got {
		require.Equal(t, want[frame.RTPTime], frame.Data, "loss of %d at %d", run, at)
		if frame.RTPTime > first && (i == 0 || got[i-1].RTPTime < first) {
			require.True(t, frame.Key, "loss of %d at %d", run, at)
		}
		times = append(times, frame.RTPTime)
	}
	require.NotContains(t, times, first)
	require.NotContains(t, times, last)
	// The second key frame is the last.
	require.Equal(t, last >= 6, a.NeedsKey())
	if last < 6 {
		require.Contains(t, times, uint32(11))
	}
}

func TestTheFirstFrameIsAKeyFrame(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.codec.String(), func(t *testing.T) {
			packets := f.packets(t)
			for packets[0].Timestamp == 0 {
				packets = packets[1:]
			}
			a := depacket.New(f.codec)
			got := assemble(a, packets...)
			require.Equal(t, uint32(6), got[0].RTPTime)
			require.Equal(t, depacket.Stats{Frames: 6, Dropped: 5}, a.Stats())
		})
	}
}

func TestPaddingIsNoFrame(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.codec.String(), func(t *testing.T) {
			packets := f.packets(t)
			a := depacket.New(f.codec)
			for i, p := range packets {
				// Between frames and inside them, with the timestamp of the last.
				require.Empty(t, assemble(a, jitter.Packet{Timestamp: packets[max(i-1, 0)].Timestamp}))
				assemble(a, p)
			}
			require.Equal(t, depacket.Stats{Frames: 12}, a.Stats())
		})
	}
}

func TestALossBeforePaddingIsALoss(t *testing.T) {
	f := fixtures()[0]
	packets := f.packets(t)
	a := depacket.New(f.codec)
	assemble(a, packets...)
	require.False(t, a.NeedsKey())
	assemble(a, jitter.Packet{Gap: true})
	require.True(t, a.NeedsKey())
}

func TestAFrameIsBounded(t *testing.T) {
	a := depacket.New(media.VP8)
	payload := append([]byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a}, make([]byte, 60_000)...)
	require.Empty(t, assemble(a, jitter.Packet{Payload: payload}))
	payload[0] = 0
	for range 100 {
		require.Empty(t, assemble(a, jitter.Packet{Payload: payload}))
	}
	require.Empty(t, assemble(a, jitter.Packet{Payload: payload, Marker: true}))
	require.Equal(t, depacket.Stats{Dropped: 1}, a.Stats())
}

func TestOpus(t *testing.T) {
	a := depacket.New(media.Opus)
	require.False(t, a.NeedsKey())
	got := assemble(a,
		jitter.Packet{Timestamp: 0, Payload: []byte{0xf8, 0xff, 0xfe}},
		jitter.Packet{Timestamp: 960, Payload: []byte{0xf8}, Gap: true}, // discontinuous transmission
		jitter.Packet{Timestamp: 960},                                   // padding
		jitter.Packet{Timestamp: 1920, Payload: []byte{0xf8, 1}, Marker: true, Arrived: arrival(3)},
	)
	require.Equal(t, []media.Frame{
		{Codec: media.Opus, Key: true, RTPTime: 0, Data: []byte{0xf8, 0xff, 0xfe}},
		{Codec: media.Opus, Key: true, RTPTime: 960, Data: []byte{0xf8}},
		{Codec: media.Opus, Key: true, RTPTime: 1920, Data: []byte{0xf8, 1}, Arrived: arrival(3)},
	}, got)
}

// FuzzAssembler pushes packets of any bytes: first the codec, then for each a
// length, flags and the payload.
func FuzzAssembler(f *testing.F) {
	all := []media.Codec{media.VP8, media.VP9, media.AV1, media.H264, media.Opus}
	for i, x := range fixtures() {
		seed := []byte{byte(i)}
		for _, p := range x.packets(f)[:12] {
			flags := byte(p.Timestamp) << 2
			if p.Marker {
				flags |= 1
			}
			seed = append(append(seed, byte(len(p.Payload)), flags), p.Payload...)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		a := depacket.New(all[int(data[0])%len(all)])
		for data = data[1:]; len(data) >= 2; {
			n := min(int(data[0]), len(data)-2)
			needed := a.NeedsKey()
			for _, frame := range assemble(a, jitter.Packet{
				Marker: data[1]&1 != 0, Gap: data[1]&2 != 0, Timestamp: uint32(data[1] >> 2), Payload: data[2 : 2+n],
			}) {
				require.NotEmpty(t, frame.Data)
				require.True(t, frame.Key || !needed)
				needed = false
			}
			data = data[2+n:]
		}
	})
}
