package broadcast

import (
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// Input is something that happened.
type Input interface{ input() }

type (
	// Requested says that a start waits for media.
	Requested struct{}
	// Started says that the start is stored: viewers may come. It may be repeated.
	Started struct{}
	// Offered says that a new session takes the publisher's place.
	Offered struct{}
	// Connected says that the publisher's session is connected.
	Connected struct{}
	// Disconnected says that its session is silent and may come back.
	Disconnected struct{}
	// Closed says that its session has failed or was closed.
	Closed struct{}
	// AudioFrame says that an audio frame of the publisher arrived.
	AudioFrame struct{ Arrived time.Duration }
	// VideoFrame says that a video frame of the publisher arrived.
	VideoFrame struct {
		Codec         media.Codec
		Key           bool
		Time, Arrived time.Duration // on the stream clock
		Width, Height int           // pixels; 0 where the frame does not say
	}
	// KeyFrameNeeded says that the encoder cannot go on without a key frame.
	KeyFrameNeeded struct{}
	// StandbyExited says that the encoder that stood by has ended.
	StandbyExited struct{}
	// EncoderExited says that the run has ended.
	EncoderExited struct {
		Published time.Duration // how far video is published
		Failure   string        // for the user; empty when the run wrote out all it had
	}
	// Tick says that time has passed.
	Tick struct {
		Published time.Duration // how far video is published
	}
	// EndRequested says that the broadcast is to end, and why.
	EndRequested struct {
		Cause sluice.EndCause
		Why   string // for the user, with sluice.EndFailed
	}
)

func (Requested) input()      {}
func (Started) input()        {}
func (Offered) input()        {}
func (Connected) input()      {}
func (Disconnected) input()   {}
func (Closed) input()         {}
func (AudioFrame) input()     {}
func (VideoFrame) input()     {}
func (KeyFrameNeeded) input() {}
func (StandbyExited) input()  {}
func (EncoderExited) input()  {}
func (Tick) input()           {}
func (EndRequested) input()   {}

// Verb says what is to be done.
type Verb string

// What a step may ask for.
const (
	LaunchStandby Verb = "launch standby" // launch an encoder that waits for its first frame
	BeginRun      Verb = "begin run"      // of Codec, its first frame at At, which is the slate where Slate is set
	CloseInput    Verb = "close input"    // of the encoder: it writes out what it has
	KillEncoder   Verb = "kill encoder"   // Text says why, for the log
	Feed          Verb = "feed"           // give the encoder the frame of this input
	AskKeyFrame   Verb = "ask key frame"  // of the publisher
	CloseSession  Verb = "close session"  // the publisher's
	SaveAway      Verb = "save away"      // store and tell that the publisher is away or back, as Away says
	Report        Verb = "report"         // tell users of an error: Code and Text
	End           Verb = "end"            // end the broadcast as of At, by Cause; Text says why, for the user
)

// Action is one thing to do. Fields that its verb does not name are zero.
type Action struct {
	Do    Verb
	Codec media.Codec
	At    time.Duration
	Slate bool
	Away  bool
	Cause sluice.EndCause
	Code  string
	Text  string
}
