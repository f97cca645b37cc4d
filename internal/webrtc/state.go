package webrtc

import (
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// State is how far a session's connection is.
type State int

// The states of a session, in the words of RTCPeerConnectionState.
const (
	Connecting   State = iota // answered, not yet reached
	Connected                 // media can flow
	Disconnected              // nothing heard for 1.6 s; may come back by itself
	Failed                    // nothing heard for 13 s; Closed follows
	Closed                    // over
)

// String is the state's name in RTCPeerConnectionState.
func (s State) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	case Disconnected:
		return "disconnected"
	case Failed:
		return "failed"
	default:
		return "closed"
	}
}

func stateOf(s pion.PeerConnectionState) State {
	switch s {
	case pion.PeerConnectionStateConnected:
		return Connected
	case pion.PeerConnectionStateDisconnected:
		return Disconnected
	case pion.PeerConnectionStateFailed:
		return Failed
	case pion.PeerConnectionStateClosed:
		return Closed
	default:
		return Connecting
	}
}

// Receiver takes what a session gives. Its methods are called from the
// session's goroutines, must not block, and must not close the session.
type Receiver interface {
	// Frame takes a whole frame, whose data is the receiver's to keep. The first
	// of video, and the first after any that was lost, is a key frame. Frames of
	// one kind come in order from one goroutine; each kind has its own.
	Frame(media.Frame)
	// SenderReport takes what ties a kind's RTP time to the publisher's clock.
	SenderReport(media.SenderReport)
	// Candidate takes a candidate of ours, also found in the answer.
	Candidate(sluice.ICECandidate)
	// State takes each new state. Closed is the last call of all.
	State(State)
}
