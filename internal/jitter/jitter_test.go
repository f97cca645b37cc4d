package jitter_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/jitter"
)

const (
	window = 200 * time.Millisecond
	settle = 10 * time.Millisecond // how long a track's first packet is held
)

func start() time.Time { return time.Unix(1_700_000_000, 0) }

func packet(sequence uint16, at time.Duration) jitter.Packet {
	return jitter.Packet{Sequence: sequence, Arrived: start().Add(at)}
}

// drain pops all that is due.
func drain(b *jitter.Buffer, at time.Duration) (sequences []uint16, gaps []bool) {
	for {
		p, ok := b.Pop(start().Add(at))
		if !ok {
			return sequences, gaps
		}
		sequences = append(sequences, p.Sequence)
		gaps = append(gaps, p.Gap)
	}
}

func TestOrder(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []uint16 // relative to the base
		out  []uint16
		gaps []bool
		want jitter.Stats
	}{
		{"in order", []uint16{0, 1, 2}, []uint16{0, 1, 2}, []bool{false, false, false}, jitter.Stats{Received: 3}},
		{"two swapped", []uint16{0, 2, 1, 3}, []uint16{0, 1, 2, 3}, make([]bool, 4), jitter.Stats{Received: 4}},
		{"reversed", []uint16{0, 4, 3, 2, 1}, []uint16{0, 1, 2, 3, 4}, make([]bool, 5), jitter.Stats{Received: 5}},
		{"a copy of a held packet", []uint16{0, 2, 2, 1}, []uint16{0, 1, 2}, make([]bool, 3), jitter.Stats{Received: 4, Duplicates: 1}},
		{"a copy of one that is out", []uint16{0, 1, 0, 2}, []uint16{0, 1, 2}, make([]bool, 3), jitter.Stats{Received: 4, Late: 1}},
		{"one lost", []uint16{0, 2, 3}, []uint16{0, 2, 3}, []bool{false, true, false}, jitter.Stats{Received: 3, Lost: 1}},
		{"two gaps", []uint16{0, 2, 5}, []uint16{0, 2, 5}, []bool{false, true, true}, jitter.Stats{Received: 3, Lost: 3}},
		{"older than the first that is out", []uint16{5, 4, 6}, []uint16{5, 6}, make([]bool, 2), jitter.Stats{Received: 3, Late: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// Every base around the wrap and the sign change gives the same.
			for _, base := range []uint16{0, 1, 100, 0x7ffe, 0x7fff, 0x8000, 0xfffa, 0xfffb, 0xfffc, 0xfffd, 0xfffe, 0xffff} {
				b := jitter.New(window, 64)
				out := make([]uint16, 0, len(tc.in))
				gaps := make([]bool, 0, len(tc.in))
				for _, sequence := range tc.in {
					b.Push(packet(base+sequence, 0))
					o, g := drain(b, settle)
					out, gaps = append(out, o...), append(gaps, g...)
				}
				o, g := drain(b, window)
				out, gaps = append(out, o...), append(gaps, g...)
				for i := range out {
					out[i] -= base
				}
				require.Equal(t, tc.out, out, "base %d", base)
				require.Equal(t, tc.gaps, gaps, "base %d", base)
				require.Equal(t, tc.want, b.Stats(), "base %d", base)
			}
		})
	}
}

func TestThePacketThatIsDueComesOutAtOnce(t *testing.T) {
	b := jitter.New(window, 64)
	b.Push(packet(64_999, -settle))
	drain(b, 0)
	for sequence := uint16(65_000); sequence != 1000; sequence++ {
		b.Push(packet(sequence, 0))
		p, ok := b.Pop(start())
		require.True(t, ok)
		require.Equal(t, sequence, p.Sequence)
		require.Zero(t, b.Len())
		_, waiting := b.Deadline()
		require.False(t, waiting)
	}
}

// TestAPacketThatMayJustBeOvertakenIsNotMissing is of networks that swap packets
// without losing any, as loopback does.
func TestAPacketThatMayJustBeOvertakenIsNotMissing(t *testing.T) {
	const ms = time.Millisecond
	for _, base := range []uint16{100, 0xffff, 0x7fff} {
		b := jitter.New(window, 64)
		missing := func(at time.Duration) []uint16 { return b.Missing(start().Add(at)) }
		b.Push(packet(base, 0))
		drain(b, settle)
		b.Push(packet(base+2, 20*ms))
		b.Push(packet(base+5, 26*ms))
		require.Empty(t, missing(20*ms))
		require.Empty(t, missing(25*ms-1))
		require.Equal(t, []uint16{base + 1}, missing(30*ms), "5 to 10 ms")
		require.Equal(t, []uint16{base + 1, base + 3, base + 4}, missing(36*ms))
		b.Push(packet(base+1, 37*ms))
		require.Equal(t, []uint16{base + 3, base + 4}, missing(37*ms), "what was overtaken has come")
	}
}

// TestTheFirstPacketsMayComeSwapped is of the key frame at the start of a
// track, whose packets the network has swapped.
func TestTheFirstPacketsMayComeSwapped(t *testing.T) {
	for _, base := range []uint16{100, 0xffff, 0x7fff} {
		b := jitter.New(window, 64)
		for i, sequence := range []uint16{base + 1, base + 3, base} {
			b.Push(packet(sequence, time.Duration(i)*time.Millisecond))
			out, _ := drain(b, settle-1)
			require.Empty(t, out)
		}
		require.Equal(t, []uint16{base + 2}, b.Missing(start().Add(settle)))
		deadline, waiting := b.Deadline()
		require.True(t, waiting)
		require.Equal(t, start().Add(settle), deadline)
		out, gaps := drain(b, settle)
		require.Equal(t, []uint16{base, base + 1}, out)
		require.Equal(t, []bool{false, false}, gaps)

		b.Push(packet(base-1, settle)) // too late
		require.Equal(t, jitter.Stats{Received: 4, Late: 1}, b.Stats())
	}
}

// TestAStrayAtTheStart is of packets that cannot be of the first frame.
func TestAStrayAtTheStart(t *testing.T) {
	b := jitter.New(window, 64)
	for _, sequence := range []uint16{1000, 899, 20_000, 1001, 900} {
		b.Push(packet(sequence, 0))
	}
	out, _ := drain(b, settle)
	require.Equal(t, []uint16{900}, out)
	out, _ = drain(b, window)
	require.Equal(t, []uint16{1000, 1001}, out)
	require.Equal(t, jitter.Stats{Received: 5, Late: 1, Lost: 99}, b.Stats())
}

func TestAJumpAtTheStart(t *testing.T) {
	b := jitter.New(window, 64)
	for i, sequence := range []uint16{1000, 20_000, 20_001, 19_999, 20_002} {
		b.Push(packet(sequence, time.Duration(i)*time.Millisecond))
	}
	out, _ := drain(b, 2*time.Millisecond+settle-1)
	require.Empty(t, out)
	out, gaps := drain(b, 2*time.Millisecond+settle)
	require.Equal(t, []uint16{19_999}, out)
	require.Equal(t, []bool{true}, gaps)
	out, _ = drain(b, 2*time.Millisecond+window)
	require.Equal(t, []uint16{20_001, 20_002}, out)
}

func TestAFullBufferDoesNotWaitAtTheStart(t *testing.T) {
	b := jitter.New(window, 4)
	for sequence := range uint16(5) {
		b.Push(packet(sequence, 0))
	}
	out, _ := drain(b, 0)
	require.Equal(t, []uint16{0, 1, 2, 3, 4}, out)
}

func TestDeadlineIsTheLongestWaitingPackets(t *testing.T) {
	b := jitter.New(window, 64)
	b.Push(packet(1, -settle))
	drain(b, 0)
	b.Push(packet(4, 10*time.Millisecond)) // 2 and 3 are missing
	b.Push(packet(3, 50*time.Millisecond)) // 2 is missing; 4 has waited longer than 3

	deadline, waiting := b.Deadline()
	require.True(t, waiting)
	require.Equal(t, start().Add(10*time.Millisecond+window), deadline)
	out, _ := drain(b, 10*time.Millisecond+window-1)
	require.Empty(t, out)
	out, gaps := drain(b, 10*time.Millisecond+window)
	require.Equal(t, []uint16{3, 4}, out)
	require.Equal(t, []bool{true, false}, gaps)

	b.Push(packet(2, window+20*time.Millisecond))
	require.Equal(t, uint64(1), b.Stats().Late)
}

func TestAFullBufferGivesTheGapUp(t *testing.T) {
	b := jitter.New(window, 8)
	b.Push(packet(0, -settle))
	drain(b, 0)
	for sequence := uint16(2); sequence <= 9; sequence++ {
		b.Push(packet(sequence, 0))
		out, _ := drain(b, 0)
		require.Empty(t, out)
	}
	b.Push(packet(10, 0))
	out, _ := drain(b, 0)
	require.Equal(t, []uint16{2, 3, 4, 5, 6, 7, 8, 9, 10}, out)
	require.Equal(t, uint64(1), b.Stats().Lost)
}

func TestJumps(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []uint16
		out  []uint16
	}{
		{"forward, confirmed by the packet after", []uint16{10, 11, 20_000, 20_001, 20_002}, []uint16{10, 11, 20_001, 20_002}},
		{"backward, confirmed by the packet after", []uint16{30_000, 10, 11, 12}, []uint16{30_000, 11, 12}},
		{"by half the numbers", []uint16{0, 0x8000, 0x8001}, []uint16{0, 0x8001}},
		{"a stray packet moves nothing", []uint16{10, 20_000, 11, 12}, []uint16{10, 11, 12}},
		{"strays that do not follow each other move nothing", []uint16{10, 20_000, 25_000, 11}, []uint16{10, 11}},
		{"a stray is not confirmed after a good packet", []uint16{10, 20_000, 11, 20_001, 12}, []uint16{10, 11, 12}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := jitter.New(window, 64)
			out := make([]uint16, 0, len(tc.in))
			for _, sequence := range tc.in {
				b.Push(packet(sequence, 0))
				o, gaps := drain(b, settle)
				out = append(out, o...)
				if len(o) > 0 && len(out) > 1 && o[0] != out[len(out)-len(o)-1]+1 {
					require.True(t, gaps[0], "a jump is a gap")
				}
			}
			require.Equal(t, tc.out, out)
		})
	}
}

// TestAnyNetwork sends 2000 packets through networks that lose, copy and
// reorder at random, and looks at what must hold for each.
func TestAnyNetwork(t *testing.T) {
	for seed := range uint64(200) {
		checkNetwork(t, rand.New(rand.NewPCG(seed, 1)), 2000) //nolint:gosec // the same networks each time
	}
}

// checkNetwork holds a buffer to its promises: out in order, nothing twice, no
// packet held longer than the window, and every packet either out, or late, or
// a copy, or lost.
func checkNetwork(t *testing.T, rng *rand.Rand, n int) {
	t.Helper()
	const capacity = 64
	first := uint16(rng.Uint32())
	loss, copies := rng.Float64()*0.2, rng.Float64()*0.1
	spread := time.Duration(rng.IntN(300)+1) * time.Millisecond

	var sent []jitter.Packet
	for i := range n {
		at := time.Duration(i) * 5 * time.Millisecond
		if rng.Float64() < loss {
			continue
		}
		for range 1 + int(rng.Float64()+copies) {
			sent = append(sent, packet(first+uint16(i), at+time.Duration(rng.Int64N(int64(spread)))))
		}
	}
	slices.SortStableFunc(sent, func(a, b jitter.Packet) int { return a.Arrived.Compare(b.Arrived) })

	b := jitter.New(window, capacity)
	var out []uint16
	check := func(now time.Time) {
		for {
			p, ok := b.Pop(now)
			if !ok {
				break
			}
			require.LessOrEqual(t, now.Sub(p.Arrived), window)
			if len(out) > 0 {
				last := out[len(out)-1]
				require.Positive(t, int16(p.Sequence-last), "in order, nothing twice")
				require.Equal(t, p.Sequence != last+1, p.Gap)
			}
			out = append(out, p.Sequence)
		}
		require.LessOrEqual(t, b.Len(), capacity)
	}
	until := func(now time.Time) {
		for {
			deadline, waiting := b.Deadline()
			if !waiting || deadline.After(now) {
				return
			}
			check(deadline)
		}
	}
	for _, p := range sent {
		until(p.Arrived)
		b.Push(p)
		check(p.Arrived)
	}
	until(start().Add(time.Hour))
	stats := b.Stats()
	require.Zero(t, b.Len())
	require.Equal(t, uint64(len(sent)), stats.Received)
	require.Equal(t, stats.Received, uint64(len(out))+stats.Late+stats.Duplicates)
	require.Equal(t, uint64(out[len(out)-1]-out[0])+1, uint64(len(out))+stats.Lost)
}

// FuzzBuffer pushes any sequence numbers at any times.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 2, 1, 255, 255, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		b := jitter.New(window, 16)
		now, popped := start(), uint64(0)
		for ; len(data) >= 3; data = data[3:] {
			now = now.Add(time.Duration(data[2]) * time.Millisecond)
			b.Push(jitter.Packet{Sequence: uint16(data[0])<<8 | uint16(data[1]), Arrived: now})
			for {
				if _, ok := b.Pop(now); !ok {
					break
				}
				popped++
			}
			require.LessOrEqual(t, b.Len(), 16)
		}
		require.LessOrEqual(t, popped, b.Stats().Received)
	})
}
