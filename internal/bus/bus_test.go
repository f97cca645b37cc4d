package bus

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stream = sluice.StreamID(2)

// at is a clock that stands still.
func at(micros int64) func() time.Time { return func() time.Time { return time.UnixMicro(micros) } }

func state(t sluice.EventType) sluice.Event { return sluice.Event{StreamID: stream, Type: t} }

func candidate(session string) sluice.Event {
	return sluice.Event{StreamID: stream, Type: sluice.EventICECandidate, Session: session}
}

// received drains what is queued: type, and session of candidates.
func received(sub *Subscription) []string {
	got := []string{}
	for {
		select {
		case e, open := <-sub.Events():
			if !open {
				return append(got, "closed")
			}
			got = append(got, string(e.Type)+e.Session)
		default:
			return got
		}
	}
}

func TestIDsRise(t *testing.T) {
	b := New(at(1000))
	sub := b.Subscribe(stream, 0, false)
	defer sub.Close()
	other := b.Subscribe(3, 0, false)
	defer other.Close()
	b.Publish(state(sluice.EventReady))
	b.Publish(sluice.Event{StreamID: 3, Type: sluice.EventReady})
	b.Publish(state(sluice.EventStarted))
	require.Equal(t, int64(1000), (<-sub.Events()).ID, "Unix microseconds")
	require.Equal(t, int64(1001), (<-other.Events()).ID, "over all streams")
	require.Equal(t, int64(1002), (<-sub.Events()).ID)
	b.now = at(500)
	b.Publish(state(sluice.EventReconnecting))
	require.Equal(t, int64(1003), (<-sub.Events()).ID, "also when the clock steps back")
}

// A subscriber gets what it asked for, whenever it comes.
func TestSubscribe(t *testing.T) {
	history := []func(*Bus){
		func(b *Bus) { b.Publish(state(sluice.EventReady)) },                  // id 1
		func(b *Bus) { b.NewSession(stream, "1"); b.Publish(candidate("1")) }, // id 2
		func(b *Bus) { b.Publish(state(sluice.EventStarted)) },                // id 3
		func(b *Bus) { b.Publish(state(sluice.EventError)) },                  // id 4
		func(b *Bus) { b.NewSession(stream, "2"); b.Publish(candidate("2")) }, // id 5
		func(b *Bus) { b.Publish(candidate("1")) },                            // none: too late
	}
	for _, test := range []struct {
		name       string
		after      int64
		candidates bool
		want       []string
	}{
		{"late", 0, false, []string{"streamStarted"}},
		{"late with a key", 0, true, []string{"streamStarted", "iceCandidate2"}},
		{"resumes from the start", 1, false, []string{"streamStarted", "streamError"}},
		{"resumes with a key", 1, true, []string{"streamStarted", "streamError", "iceCandidate2"}},
		{"resumes after the state", 3, true, []string{"streamError", "iceCandidate2"}},
		{"has seen all", 5, true, []string{}},
		{"has seen what never was", 99, true, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := New(at(1))
			for _, happen := range history {
				happen(b)
			}
			sub := b.Subscribe(stream, test.after, test.candidates)
			defer sub.Close()
			require.Equal(t, test.want, received(sub))

			b.Publish(candidate("2"))
			b.Publish(state(sluice.EventReconnecting))
			want := []string{"streamReconnecting"}
			if test.candidates {
				want = append([]string{"iceCandidate2"}, want...)
			}
			require.Equal(t, want, received(sub), "and all that follows")
		})
	}
}

func TestEndIsTheLastEvent(t *testing.T) {
	b := New(at(1))
	b.Publish(state(sluice.EventReady))
	sub := b.Subscribe(stream, 0, false)
	defer sub.Close()
	b.Publish(state(sluice.EventEnded))
	require.Equal(t, []string{"streamReady", "streamEnded", "closed"}, received(sub))
	require.Empty(t, b.streams)
}

// A slow subscriber is cut off, and does not hold up the others.
func TestSlowSubscriber(t *testing.T) {
	b := New(at(1))
	slow, quick := b.Subscribe(stream, 0, false), b.Subscribe(stream, 0, false)
	defer slow.Close()
	defer quick.Close()
	for range cap(slow.events) + 1 {
		b.Publish(state(sluice.EventStarted))
		require.Len(t, received(quick), 1)
	}
	got := received(slow)
	require.Equal(t, "closed", got[len(got)-1])
}

// Ten thousand viewers of a stream with a long history cost little memory.
func TestViewersAreSmall(t *testing.T) {
	b := New(at(1))
	b.NewSession(stream, "1")
	b.Publish(state(sluice.EventStarted))
	for range maxHistory {
		b.Publish(candidate("1"))
	}
	const viewers, most = 1000, 4 << 10
	subs := make([]*Subscription, viewers)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range subs {
		subs[i] = b.Subscribe(stream, 0, false)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, (int64(after.HeapAlloc)-int64(before.HeapAlloc))/viewers, int64(most), "bytes of one")
	for _, sub := range subs {
		require.Equal(t, []string{"streamStarted"}, received(sub))
		sub.Close()
	}
}

// History is bounded, and the newest state outlives it.
func TestHistoryIsBounded(t *testing.T) {
	b := New(at(1))
	b.NewSession(stream, "1")
	b.Publish(state(sluice.EventStarted))
	for range 2 * maxHistory {
		b.Publish(candidate("1"))
	}
	require.Len(t, b.streams[stream].history, maxHistory)
	sub := b.Subscribe(stream, 0, true)
	defer sub.Close()
	got := received(sub)
	require.Len(t, got, maxHistory+1)
	require.Equal(t, "streamStarted", got[0])
}

func TestForgetAndClose(t *testing.T) {
	for name, end := range map[string]func(*Bus){
		"forget": func(b *Bus) { b.Forget(stream); b.Forget(stream) },
		"close":  func(b *Bus) { b.Close(); b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b := New(at(1))
			b.Publish(state(sluice.EventReady))
			sub := b.Subscribe(stream, 1, true)
			end(b)
			require.Equal(t, []string{"closed"}, received(sub))
			require.Empty(t, b.streams)
			sub.Close()
			sub.Close()
		})
	}
}

func TestClosedBus(t *testing.T) {
	b := New(at(1))
	b.Close()
	b.Publish(state(sluice.EventReady))
	b.NewSession(stream, "1")
	require.Equal(t, []string{"closed"}, received(b.Subscribe(stream, 0, true)))
	require.Empty(t, b.streams)
}

// Asking for a stream that has no events leaves nothing behind.
func TestAskingCostsNothing(t *testing.T) {
	b := New(at(1))
	sub := b.Subscribe(99, 5, true)
	require.Len(t, b.streams, 1)
	sub.Close()
	require.Empty(t, b.streams)
}

// Everybody at once, for the race detector; each subscriber sees rising IDs.
func TestConcurrently(t *testing.T) {
	b := New(time.Now)
	var all, readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			for range 50 {
				sub := b.Subscribe(stream, int64(i%2), true)
				last := int64(0)
				for range len(sub.Events()) {
					e := <-sub.Events()
					if e.ID != 0 && e.ID <= last {
						t.Errorf("%d after %d", e.ID, last)
					}
					last = max(last, e.ID)
				}
				sub.Close()
			}
		})
		all.Go(func() {
			for n := range 50 {
				b.NewSession(stream, fmt.Sprint(i, n))
				b.Publish(candidate(fmt.Sprint(i, n)))
				b.Publish(state(sluice.EventStarted))
				if n%10 == 0 {
					b.Publish(state(sluice.EventEnded))
				}
			}
		})
	}
	all.Wait()
	readers.Wait()
	b.Close()
}

// Candidates of a session whose connection is made or gone lead nowhere.
func TestEndSession(t *testing.T) {
	b := New(at(1))
	b.EndSession(stream) // of no stream: nothing to do
	b.NewSession(stream, "1")
	b.Publish(candidate("1"))
	b.EndSession(stream)
	b.Publish(candidate("1")) // too late
	sub := b.Subscribe(stream, 0, true)
	defer sub.Close()
	require.Empty(t, received(sub))
	b.NewSession(stream, "2")
	b.Publish(candidate("2"))
	require.Equal(t, []string{"iceCandidate2"}, received(sub))
}
