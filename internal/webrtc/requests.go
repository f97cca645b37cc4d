package webrtc

import (
	"log/slog"
	"sync"
	"time"

	"github.com/sluicelive/sluice/internal/media"
)

const (
	// nackInterval is how often missing packets are asked for: several times
	// within the window, and browsers answer once in a round trip.
	nackInterval = 20 * time.Millisecond
	// keyInterval is how often a key frame is asked for: longer than the round
	// trip and the encoder take on a bad network.
	keyInterval = 500 * time.Millisecond
	// lossInterval is how often losses are logged.
	lossInterval = time.Second
	// codecInterval is how often a track's codec is logged.
	codecInterval = time.Second
)

// nacks spaces the requests for missing packets.
type nacks struct{ last time.Time }

func (n *nacks) due(now time.Time) bool {
	if now.Sub(n.last) < nackInterval {
		return false
	}
	n.last = now
	return true
}

// keyRequests spaces the requests for key frames and repeats them until one
// comes.
type keyRequests struct {
	mu     sync.Mutex // guards all
	wanted bool
	last   time.Time
}

// want asks for a key frame.
func (k *keyRequests) want() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wanted = true
}

// satisfy says that a key frame came.
func (k *keyRequests) satisfy() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wanted = false
}

// due reports whether a request is to be sent now, and counts it as sent.
func (k *keyRequests) due(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.wanted || now.Sub(k.last) < keyInterval {
		return false
	}
	k.last = now
	return true
}

// lossLog logs what was lost, at most once in an interval.
type lossLog struct {
	last          time.Time
	lost, dropped uint64 // as logged
}

func (l *lossLog) note(log *slog.Logger, now time.Time, lost, dropped uint64) {
	if (lost == l.lost && dropped == l.dropped) || now.Sub(l.last) < lossInterval {
		return
	}
	log.Warn("packets lost or frames dropped", slog.Uint64("lost", lost-l.lost), slog.Uint64("dropped", dropped-l.dropped))
	l.last, l.lost, l.dropped = now, lost, dropped
}

// codecLog logs a track's codec when it starts and when it changes, at most once
// in an interval: a publisher may change it with every frame.
type codecLog struct {
	last   time.Time
	logged media.Codec
}

func (l *codecLog) note(log *slog.Logger, now time.Time, codec media.Codec) {
	if codec == l.logged || now.Sub(l.last) < codecInterval {
		return
	}
	log.Info("track's codec", slog.String("codec", codec.String()), slog.String("before", l.logged.String()))
	l.last, l.logged = now, codec
}
