// Package bus carries the events of streams to their subscribers, within one
// process.
package bus

import (
	"slices"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
)

// Bus numbers events, keeps a short history of each stream and hands events to
// subscribers. It never waits for one: a subscriber that does not keep up is
// cut off and comes back with the ID of the last event it saw.
type Bus struct {
	now func() time.Time

	mu      sync.Mutex
	lastID  int64
	streams map[sluice.StreamID]*topic
	closed  bool
}

// New makes a bus. now is the clock that event IDs are taken from.
func New(now func() time.Time) *Bus {
	return &Bus{now: now, streams: make(map[sluice.StreamID]*topic)}
}

// Publish gives an event its ID and hands it to the stream's subscribers. IDs
// are Unix microseconds, made to rise, so that they also rise over restarts
// and a Last-Event-ID of an earlier run means what it says. A candidate of a
// session that is not the stream's current one is dropped.
//
// streamEnded is a stream's last event: once it is handed out the stream is
// forgotten, and its subscribers' channels are closed behind it.
func (b *Bus) Publish(e sluice.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	t := b.topic(e.StreamID)
	if e.Type == sluice.EventICECandidate && e.Session != t.session {
		return
	}
	b.lastID = max(b.lastID+1, b.now().UnixMicro())
	e.ID = b.lastID
	t.keep(e)
	for sub := range t.subs {
		if sub.wants(e) && !sub.offer(e) {
			t.drop(sub)
		}
	}
	if e.Type == sluice.EventEnded {
		b.forget(e.StreamID)
	}
}

// NewSession makes session the stream's current one and forgets the candidates
// of those before it.
func (b *Bus) NewSession(stream sluice.StreamID, session string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.topic(stream).startSession(session)
	}
}

// EndSession forgets the candidates of the stream's current session, whose
// connection is made or gone: to a client that connects anew they would lead
// nowhere.
func (b *Bus) EndSession(stream sluice.StreamID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.streams[stream]; t != nil {
		t.startSession("")
	}
}

// Subscribe joins a stream. With after > 0, the ID of the last event seen, it
// replays what is kept of the events since. With 0 it sends the newest state
// event. candidates adds iceCandidate events: those of the current session.
//
// The caller must Close the subscription.
func (b *Bus) Subscribe(stream sluice.StreamID, after int64, candidates bool) *Subscription {
	sub := &Subscription{bus: b, stream: stream, candidates: candidates}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		sub.events = make(chan sluice.Event)
		close(sub.events)
		return sub
	}
	t := b.topic(stream)
	missed := slices.DeleteFunc(t.replay(after), func(e sluice.Event) bool { return !sub.wants(e) })
	// Thousands of viewers subscribe at once: each gets room for what it has to
	// get, and not for what a stream keeps at most.
	sub.events = make(chan sluice.Event, len(missed)+sub.queueLength())
	for _, e := range missed {
		sub.events <- e
	}
	t.subs[sub] = struct{}{}
	return sub
}

// Forget lets go of a stream: its history, and its subscribers, whose channels
// are closed.
func (b *Bus) Forget(stream sluice.StreamID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(stream)
}

// Close ends every subscription. Afterwards events go nowhere.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for stream := range b.streams {
		b.forget(stream)
	}
}

// unsubscribe takes a subscription out, and the stream with it when nothing of
// it is left to remember: asking for the events of a stream costs no memory
// once the asker is gone.
func (b *Bus) unsubscribe(sub *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.streams[sub.stream]
	if !ok {
		return
	}
	if _, joined := t.subs[sub]; joined {
		t.drop(sub)
	}
	if t.empty() {
		delete(b.streams, sub.stream)
	}
}

func (b *Bus) forget(stream sluice.StreamID) {
	t, ok := b.streams[stream]
	if !ok {
		return
	}
	for sub := range t.subs {
		t.drop(sub)
	}
	delete(b.streams, stream)
}

func (b *Bus) topic(stream sluice.StreamID) *topic {
	t, ok := b.streams[stream]
	if !ok {
		t = &topic{subs: make(map[*Subscription]struct{})}
		b.streams[stream] = t
	}
	return t
}
