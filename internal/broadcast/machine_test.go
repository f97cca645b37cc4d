package broadcast

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

const (
	sec = time.Second
	ms  = time.Millisecond
)

// step is one input at a media time, and what it must lead to.
type step struct {
	at   time.Duration
	in   Input
	want []Action
}

func do(actions ...Action) []Action { return actions }

// limits are those of the command.
func limits() Config { return Config{ReconnectWindow: 20 * sec, PrepareTimeout: 300 * sec} }

func ask() Action        { return Action{Do: AskKeyFrame} }
func feed() Action       { return Action{Do: Feed} }
func standby() Action    { return Action{Do: LaunchStandby} }
func closeInput() Action { return Action{Do: CloseInput} }
func hang() Action {
	return Action{Do: KillEncoder, Text: "it hangs; video is published up to 21s"}
}

func begin(codec media.Codec, at time.Duration) Action {
	return Action{Do: BeginRun, Codec: codec, At: at}
}

func beginSlate(at time.Duration) Action {
	return Action{Do: BeginRun, Codec: media.VP8, At: at, Slate: true}
}

func away(is bool) Action { return Action{Do: SaveAway, Away: is} }

func key(at time.Duration) VideoFrame {
	return VideoFrame{Codec: media.VP8, Key: true, Time: at, Arrived: at, Width: 640, Height: 360}
}

func delta(at time.Duration) VideoFrame {
	return VideoFrame{Codec: media.VP8, Time: at, Arrived: at}
}

func restarted(when string) Action {
	return Action{Do: Report, Code: "encoder_restarted", Text: "it broke; it starts again " + when}
}

// play takes a machine that was prepared at 10 s through steps.
func play(t *testing.T, steps []step) *Machine {
	t.Helper()
	m := New(limits(), 10*sec)
	for i, s := range steps {
		require.Equal(t, s.want, normal(m.Step(s.in, s.at)), "step %d: %T at %v", i+1, s.in, s.at)
	}
	return m
}

// normal makes no actions nil, and takes a copy of others.
func normal(actions []Action) []Action { return append([]Action(nil), actions...) }

// live is a broadcast that was started, with media up to 21 s.
func live(more ...step) []step {
	return append([]step{
		{20 * sec, Offered{}, nil},
		{20 * sec, Connected{}, do(standby())},
		{20 * sec, Requested{}, nil},
		{20*sec + 20*ms, Tick{}, do(ask())},
		{20*sec + 100*ms, key(20*sec + 100*ms), do(begin(media.VP8, 18*sec), feed())},
		{20*sec + 900*ms, Tick{Published: 20 * sec}, nil},
		{21 * sec, Started{}, nil},
		{21 * sec, Tick{Published: 21 * sec}, nil},
	}, more...)
}

// rule is one rule, by a broadcast that follows it.
type rule struct {
	name  string
	steps []step
}

func TestRules(t *testing.T) {
	for _, test := range slices.Concat(startRules(), encoderRules(), publisherRules()) {
		t.Run(test.name, func(t *testing.T) { play(t, test.steps) })
	}
}

// startRules say how a run begins.
func startRules() []rule {
	return []rule{
		{"a run begins with a key frame, a whole segment before it", live()},
		{"without a request no run begins", []step{
			{20 * sec, Offered{}, nil},
			{20 * sec, Connected{}, do(standby())},
			{20*sec + 100*ms, key(20*sec + 100*ms), nil},
			{30 * sec, Tick{}, nil},
		}},
		{"a run does not begin with another frame", []step{
			{20 * sec, Requested{}, nil},
			{20 * sec, Offered{}, nil},
			{20 * sec, Connected{}, do(standby())},
			{20*sec + 100*ms, delta(20*sec + 100*ms), nil},
		}},
		{"no encoder stands by once there is media", live(
			step{22 * sec, EncoderExited{Published: 22 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{22 * sec, Disconnected{}, nil},
			step{23 * sec, Connected{}, nil},
		)},
		{"a publisher without video gets the slate after two seconds", []step{
			{20 * sec, Offered{}, nil},
			{20 * sec, Connected{}, do(standby())},
			{20 * sec, Requested{}, nil},
			{20*sec + 50*ms, AudioFrame{Arrived: 20*sec + 50*ms}, nil},
			{20*sec + 500*ms, Tick{}, do(ask())},
			{21*sec + 500*ms, Requested{}, nil}, // a start that is repeated waits for the same
			{22 * sec, Tick{}, do(ask())},
			{22*sec + 20*ms, Tick{}, do(beginSlate(20 * sec))},
		}},
		{"a publisher that leaves before the start gets no run", []step{
			{20 * sec, Offered{}, nil},
			{20 * sec, Connected{}, do(standby())},
			{20 * sec, Requested{}, nil},
			{20*sec + 50*ms, AudioFrame{Arrived: 20*sec + 50*ms}, nil},
			{21 * sec, Closed{}, do(Action{Do: CloseSession})},
			{23 * sec, Tick{}, nil},
		}},
		{"viewers of a publisher that has come back and sends nothing get the slate", live(
			step{22 * sec, Offered{}, nil},
			step{22 * sec, Connected{}, nil},
			step{22 * sec, EncoderExited{Published: 22 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{24 * sec, Tick{Published: 22 * sec}, do(ask())},
			step{24*sec + 20*ms, Tick{Published: 22 * sec}, do(beginSlate(22 * sec))},
		)},
		{"a publisher that sends nothing gets no run", []step{
			{20 * sec, Offered{}, nil},
			{20 * sec, Connected{}, do(standby())},
			{20 * sec, Requested{}, nil},
			{25 * sec, Tick{}, do(ask())},
		}},
	}
}

// encoderRules say what follows when the encoder fails, hangs or lags, or the codec changes.
func encoderRules() []rule {
	return []rule{
		{"a crash is followed by a run at once, where the one before it stopped", live(
			step{21 * sec, EncoderExited{Published: 21 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{21*sec + 100*ms, key(21*sec + 100*ms), do(begin(media.VP8, 21*sec), feed())},
		)},
		{"the second crash within a minute is followed by a pause", live(
			step{21 * sec, EncoderExited{Published: 21 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{21*sec + 100*ms, key(21*sec + 100*ms), do(begin(media.VP8, 21*sec), feed())},
			step{22 * sec, EncoderExited{Published: 21 * sec, Failure: "it broke"}, do(restarted("in 400ms"), ask())},
			step{22*sec + 399*ms, key(22*sec + 399*ms), nil},
			step{22*sec + 400*ms, key(22*sec + 400*ms), do(begin(media.VP8, 21*sec), feed())},
		)},
		{"a run that publishes nothing for eight seconds is killed, once", live(
			step{29 * sec, Tick{Published: 21 * sec}, nil},
			step{29*sec + 20*ms, Tick{Published: 21 * sec}, do(hang())},
			step{29*sec + 40*ms, Tick{Published: 21 * sec}, nil},
		)},
		{"a run sixteen seconds behind is killed, and what is missed left out", live(
			step{28 * sec, Tick{Published: 21*sec + 100*ms}, nil},
			step{35 * sec, Tick{Published: 21*sec + 200*ms}, nil},
			step{37*sec + 400*ms, Tick{Published: 21*sec + 300*ms}, do(Action{Do: KillEncoder, Text: "it is 16s behind: it is too slow for this machine"})},
			step{37*sec + 500*ms, Tick{Published: 21*sec + 400*ms}, nil},
			step{38 * sec, EncoderExited{Published: 21*sec + 400*ms, Failure: "killed"}, do(Action{
				Do: Report, Code: "encoder_too_slow",
				Text: "the server is too slow for this stream, and some of it was left out; use a lower quality, or a machine with more cores",
			}, ask())},
			step{38*sec + 100*ms, key(38*sec + 100*ms), do(begin(media.VP8, 36*sec), feed())},
			step{38*sec + 120*ms, Tick{Published: 21*sec + 400*ms}, nil}, // the gap is no lag of the new run
		)},
		{"a first run that publishes nothing hangs, however late its first frame is", []step{
			{20 * sec, Offered{}, nil},
			{20 * sec, Connected{}, do(standby())},
			{20 * sec, Requested{}, nil},
			{20 * sec, VideoFrame{Codec: media.VP8, Key: true, Time: 3 * sec, Arrived: 20 * sec}, do(begin(media.VP8, 0), feed())},
			{27 * sec, Tick{}, nil},
			{28*sec + 20*ms, Tick{}, do(Action{Do: KillEncoder, Text: "it hangs; video is published up to 0s"})},
		}},
		{"a slate after a gap goes on", live(
			step{22 * sec, Disconnected{}, nil},
			step{40 * sec, EncoderExited{Published: 21 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{40 * sec, Tick{Published: 21 * sec}, do(away(true), beginSlate(38*sec))},
			step{40*sec + 20*ms, Tick{Published: 21 * sec}, nil},
		)},
		{"a session that says at once that it is silent has the whole window from its offer", live(
			step{22 * sec, Offered{}, nil},
			step{23 * sec, Disconnected{}, nil},
			step{42 * sec, Tick{Published: 42 * sec}, do(away(true))},
			step{42*sec + 1, Tick{Published: 42 * sec}, do(Action{Do: End, Cause: sluice.EndPublisherGone, At: 20*sec + 100*ms})},
		)},
		{"a gap of more than twelve seconds is left open", live(
			step{22 * sec, EncoderExited{Published: 21 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{33*sec + 20*ms, key(33*sec + 20*ms), do(begin(media.VP8, 30*sec), feed())},
		)},
		{"a run starts on the frame grid", live(
			step{22 * sec, EncoderExited{Published: 21*sec + 10*ms, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{22 * sec, key(22 * sec), do(begin(media.VP8, 21*sec+33_333_333), feed())},
		)},

		{"another codec closes the run's input, and the next one begins with it", live(
			step{22*sec + 200*ms, VideoFrame{Codec: media.H264, Key: true, Time: 22 * sec, Arrived: 22 * sec}, do(closeInput())},
			step{22*sec + 220*ms, VideoFrame{Codec: media.H264, Time: 22 * sec, Arrived: 22 * sec}, nil},
			step{22*sec + 300*ms, EncoderExited{Published: 22 * sec}, do(ask())},
			step{22*sec + 400*ms, VideoFrame{Codec: media.H264, Key: true, Time: 22*sec + 400*ms, Arrived: 22 * sec}, do(begin(media.H264, 22*sec), feed())},
		)},
		{"a change of codec waits until the run is two seconds old", live(
			step{21 * sec, VideoFrame{Codec: media.H264, Key: true, Time: 21 * sec}, do(closeInput())},
			step{21*sec + 100*ms, EncoderExited{Published: 21 * sec}, do(ask())},
			step{22*sec + 99*ms, VideoFrame{Codec: media.H264, Key: true, Time: 22*sec + 99*ms}, nil},
			step{22*sec + 100*ms, VideoFrame{Codec: media.H264, Key: true, Time: 22*sec + 100*ms}, do(begin(media.H264, 21*sec), feed())},
		)},
	}
}

// publisherRules say what follows when the publisher comes and goes.
func publisherRules() []rule {
	return []rule{
		{"viewers are told that the publisher is away, and is back", live(
			step{22 * sec, Disconnected{}, nil},
			step{22*sec + 20*ms, Tick{Published: 22 * sec}, do(away(true))},
			step{22*sec + 40*ms, Tick{Published: 22 * sec}, nil},
			step{23 * sec, Connected{}, nil},
			step{23 * sec, Tick{Published: 23 * sec}, do(away(false))},
		)},
		{"a session that takes over does not end the wait of the one before it", live(
			step{22 * sec, Closed{}, do(Action{Do: CloseSession})},
			step{22 * sec, Tick{Published: 22 * sec}, do(away(true))},
			step{23 * sec, Offered{}, nil},
			step{23 * sec, Tick{Published: 23 * sec}, nil},
			step{24 * sec, Connected{}, nil},
			step{24 * sec, Tick{Published: 24 * sec}, do(away(false))},
		)},
		{"a publisher that stays away ends the broadcast as of its last frame", live(
			step{22 * sec, delta(22 * sec), do(feed())},
			step{23 * sec, Closed{}, do(Action{Do: CloseSession})},
			step{43 * sec, Tick{Published: 43 * sec}, do(away(true))},
			step{43*sec + 1, Tick{Published: 43 * sec}, do(Action{Do: End, Cause: sluice.EndPublisherGone, At: 22 * sec})},
			step{43*sec + 2, Connected{}, nil},
		)},
		{"a publisher that never comes ends the broadcast", []step{
			{310 * sec, Tick{}, nil},
			{310*sec + 1, Tick{}, do(Action{Do: End, Cause: sluice.EndNeverStarted, At: 310*sec + 1})},
		}},
		{"while the publisher is away the next run shows the slate", live(
			step{22 * sec, Disconnected{}, nil},
			step{22 * sec, EncoderExited{Published: 22 * sec, Failure: "it broke"}, do(restarted("at once"), ask())},
			step{22*sec + 20*ms, Tick{Published: 22 * sec}, do(away(true), beginSlate(22*sec))},
		)},
		{"an end is the end, whenever it comes", []step{
			{20 * sec, Requested{}, nil},
			{20 * sec, EndRequested{Cause: sluice.EndRequested}, do(Action{Do: End, Cause: sluice.EndRequested, At: 20 * sec})},
			{20 * sec, EndRequested{Cause: sluice.EndShutdown}, nil},
			{21 * sec, Tick{}, nil},
		}},
	}
}

// Frames that are too large, and those that build on them, are left out.
func TestFramesThatAreTooLarge(t *testing.T) {
	large := func(at time.Duration) VideoFrame {
		return VideoFrame{Codec: media.VP8, Key: true, Time: at, Arrived: at, Width: 8192, Height: 8192}
	}
	told := Action{
		Do: Report, Code: "frame_too_large",
		Text: "the publisher's frames of 8192×8192 are larger than 4096×2304 and left out; publish a smaller size",
	}
	play(t, live(
		step{22 * sec, large(22 * sec), do(told)},
		step{22*sec + 30*ms, delta(22*sec + 30*ms), do(ask())},
		step{22*sec + 60*ms, delta(22*sec + 60*ms), nil},
		step{23 * sec, large(23 * sec), nil},
		step{32 * sec, large(32 * sec), do(told)},
		step{33 * sec, key(33 * sec), do(feed())},
		step{33*sec + 30*ms, delta(33*sec + 30*ms), do(feed())},
	))
}

// An encoder that never works ends the broadcast, with pauses that grow.
func TestAnEncoderThatNeverWorks(t *testing.T) {
	m := play(t, live())
	now := 21 * sec
	var pauses []string
	for {
		actions := normal(m.Step(EncoderExited{Published: 21 * sec, Failure: "it broke"}, now))
		if actions[len(actions)-1].Do == End {
			why := "the encoder failed again and again (it broke); the server's log says why, and `sluice doctor` may"
			require.Equal(t, do(
				Action{Do: Report, Code: "encoder_failed", Text: why},
				Action{Do: End, Cause: sluice.EndFailed, At: now, Text: why},
			), actions)
			break
		}
		pauses = append(pauses, actions[0].Text[len("it broke; it starts again "):])
		now = m.requested
		require.Contains(t, m.Step(key(now), now), feed(), "a run has begun")
		require.Empty(t, m.Step(Tick{Published: 21 * sec}, now+20*ms), "and goes on")
	}
	require.Equal(t, []string{"at once", "in 400ms", "in 800ms", "in 1.6s", "in 3.2s", "in 5s", "in 5s", "in 5s"}, pauses)
}

// A minute without a failure is a fresh start.
func TestFailuresAreForgotten(t *testing.T) {
	var a attempts
	for range maxAttempts {
		_, again := a.next(10 * sec)
		require.True(t, again)
	}
	pause, again := a.next(70*sec + 1)
	require.True(t, again)
	require.Zero(t, pause)
}

// A codec that never stays ends the broadcast.
func TestACodecThatNeverStays(t *testing.T) {
	m := play(t, live())
	now := 21 * sec
	for range maxAttempts {
		m.Step(EncoderExited{Published: 21 * sec}, now)
		require.False(t, m.ended)
		now = m.requested
		require.Contains(t, m.Step(key(now), now), feed(), "a run has begun")
	}
	actions := m.Step(EncoderExited{Published: 21 * sec}, now)
	require.Equal(t, "codec_unstable", actions[0].Code)
	require.Contains(t, actions[1].Text, "one codec")
	require.Equal(t, sluice.EndFailed, actions[1].Cause)
}

// The publisher gets time to send a key frame before it is asked again.
func TestKeyFrameRequestsAreOnePolicy(t *testing.T) {
	play(t, live(
		step{22 * sec, KeyFrameNeeded{}, do(ask())},
		step{22*sec + 299*ms, KeyFrameNeeded{}, nil},
		step{22*sec + 300*ms, KeyFrameNeeded{}, do(ask())},
		step{23 * sec, Closed{}, do(Action{Do: CloseSession})},
		step{24 * sec, KeyFrameNeeded{}, nil},
	))
}

// An encoder that stood by and ended is replaced when the publisher connects again.
func TestStandbyThatEnded(t *testing.T) {
	play(t, []step{
		{20 * sec, Offered{}, nil},
		{20 * sec, Connected{}, do(standby())},
		{21 * sec, StandbyExited{}, nil},
		{22 * sec, Disconnected{}, nil},
		{23 * sec, Connected{}, do(standby())},
	})
}

// A start that waits in vain says for what.
func TestWaiting(t *testing.T) {
	m := New(limits(), 10*sec)
	require.Equal(t, ForPublisher, m.Waiting())
	m.Step(Offered{}, 20*sec)
	require.Equal(t, ForConnection, m.Waiting())
	m.Step(Connected{}, 20*sec)
	require.Equal(t, ForMedia, m.Waiting())
	m.Step(AudioFrame{Arrived: 21 * sec}, 21*sec)
	require.Equal(t, ForEncoder, m.Waiting())
	m.Step(Closed{}, 22*sec)
	require.Equal(t, ForPublisher, m.Waiting())
	require.True(t, m.IsAway())
}
