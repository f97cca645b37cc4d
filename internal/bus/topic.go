package bus

import (
	"cmp"
	"slices"

	"github.com/sluicelive/sluice"
)

// maxHistory bounds the events kept of one stream. A session has a few tens of
// candidates at most and a broadcast a few state events, so that in practice
// only a stream that reconnects for hours forgets its oldest.
const maxHistory = 128

// topic is what the bus knows of one stream. The bus's mutex guards it.
type topic struct {
	session string        // the current ingest session
	state   *sluice.Event // the newest state event, kept whatever the history loses
	history []sluice.Event
	subs    map[*Subscription]struct{}
}

// keep remembers an event, forgetting the oldest when full.
func (t *topic) keep(e sluice.Event) {
	if isState(e.Type) {
		t.state = &e
	}
	if len(t.history) == maxHistory {
		t.history = slices.Delete(t.history, 0, 1)
	}
	t.history = append(t.history, e)
}

// replay is what a subscriber that has seen everything up to after still has to
// see, in order.
func (t *topic) replay(after int64) []sluice.Event {
	var missed []sluice.Event
	if t.state != nil && t.state.ID > after {
		missed = append(missed, *t.state)
	}
	for _, e := range t.history {
		resumed := after > 0 && e.ID > after
		current := after == 0 && e.Type == sluice.EventICECandidate
		if (resumed || current) && (t.state == nil || e.ID != t.state.ID) {
			missed = append(missed, e)
		}
	}
	slices.SortFunc(missed, func(a, b sluice.Event) int { return cmp.Compare(a.ID, b.ID) })
	return missed
}

// startSession forgets the candidates of sessions before this one: a client
// that added them would send its checks to a connection that is gone.
func (t *topic) startSession(session string) {
	t.session = session
	t.history = slices.DeleteFunc(t.history, func(e sluice.Event) bool {
		return e.Type == sluice.EventICECandidate && e.Session != session
	})
}

func (t *topic) drop(sub *Subscription) {
	delete(t.subs, sub)
	close(sub.events)
}

func (t *topic) empty() bool {
	return len(t.subs) == 0 && len(t.history) == 0 && t.session == ""
}

// isState tells the events that say where a stream is in its life. An error
// says what happened on the way: it is not what a late subscriber is told
// instead of the state.
func isState(t sluice.EventType) bool {
	return t != sluice.EventICECandidate && t != sluice.EventError
}
