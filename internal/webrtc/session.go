package webrtc

import (
	"context"
	"crypto/rand"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// gatherTimeout bounds how long an answer waits for Pion to listen. The sockets
// are open, so it does at once.
const gatherTimeout = 2 * time.Second

// silenceTimeout is after how long a connected publisher that sends nothing of
// a kind it offered is worth a line in the log.
const silenceTimeout = 5 * time.Second

// Session is one connection of one publisher.
type Session struct {
	id         string
	log        *slog.Logger
	server     *Server
	receiver   Receiver
	offer      *offer
	pc         *pion.PeerConnection
	answer     string
	candidates []candidate // ours
	local      credentials // ours
	user       *user
	tieBreaker uint64
	path       path
	begun      time.Time

	sources atomic.Int32             // that surfaced so far
	owners  [2]atomic.Pointer[track] // by kind: the track whose frames are handed on
	changed chan struct{}            // the connection's state may have changed
	done    chan struct{}
	cancel  context.CancelFunc

	mu     sync.Mutex // guards closed and tracks.Add against tracks.Wait
	closed bool
	tracks sync.WaitGroup
}

// errRenegotiation refuses an offer of a connection that stands, made without an
// ICE restart. Its answer would come from a new session, and the browser would go
// on with the old credentials: no media for six seconds.
var errRenegotiation = sluice.Errorf(sluice.KindConflict, "renegotiation_unsupported",
	"this RTCPeerConnection publishes already, and its tracks cannot be changed by another offer: call restartIce() before createOffer, or make a new RTCPeerConnection and send its offer")

// Answer negotiates an offer and starts its session. ctx bounds the call, not
// the session. Errors that a user can mend are of type *sluice.Error, with the
// codes offer_invalid, offer_without_media, codec_unsupported,
// ice_lite_unsupported and renegotiation_unsupported.
//
//nolint:contextcheck // the session outlives the call
func (s *Server) Answer(ctx context.Context, text string, r Receiver) (*Session, error) {
	o, err := parseOffer(text)
	if err == nil {
		err = o.limitICE()
	}
	if err != nil {
		return nil, err
	}
	if s.users.uses(o.credentials()) {
		return nil, errRenegotiation
	}
	if !s.admit() {
		return nil, sluice.Errorf(sluice.KindUnavailable, "server_closing", "the server is being stopped; try again later")
	}
	session, err := s.negotiate(ctx, o, r)
	if err != nil {
		s.sessions.Done()
		return nil, err
	}
	running, cancel := context.WithCancel(s.running)
	session.cancel = cancel
	go func() {
		defer s.sessions.Done()
		defer s.users.remove(session.local)
		defer session.survive()
		session.run(running)
	}()
	return session, nil
}

// negotiate makes a session with an answer, or nothing.
func (s *Server) negotiate(ctx context.Context, o *offer, r Receiver) (*Session, error) {
	session := &Session{
		id:         rand.Text(),
		server:     s,
		receiver:   r,
		offer:      o,
		local:      newCredentials(),
		tieBreaker: newTieBreaker(),
		path:       path{since: time.Now()},
		begun:      time.Now(),
		changed:    make(chan struct{}, 1),
		done:       make(chan struct{}),
	}
	var err error
	if session.candidates, err = s.candidates(); err != nil {
		return nil, err
	}
	api, err := newReceivingAPI(o, s.settings(session))
	if err != nil {
		return nil, offerInvalid(err)
	}
	if session.pc, err = api.NewPeerConnection(pion.Configuration{}); err != nil {
		return nil, err
	}
	session.log = s.log.With(slog.String("session", session.id))
	session.user = s.users.add(session.local, o.credentials()) // before the publisher knows it
	if err := session.exchange(ctx); err != nil {
		s.users.remove(session.local)
		_ = session.pc.GracefulClose()
		return nil, err
	}
	return session, nil
}

// exchange sets the descriptions and waits until Pion listens.
func (s *Session) exchange(ctx context.Context) error {
	offered, err := s.offer.desc.Marshal()
	if err != nil {
		return offerInvalid(err)
	}
	// The handlers stand before the first description, so that nothing that
	// surfaces finds nobody.
	s.pc.OnTrack(s.addTrack)
	s.pc.OnConnectionStateChange(func(pion.PeerConnectionState) { notify(s.changed) })
	if err := s.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeOffer, SDP: string(offered)}); err != nil {
		return offerInvalid(err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return offerInvalid(err)
	}
	complete := pion.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return offerInvalid(err)
	}
	timeout := time.NewTimer(gatherTimeout)
	defer timeout.Stop()
	select {
	case <-complete:
	case <-timeout.C:
		s.log.Warn("answering before all candidates are there")
	case <-ctx.Done():
		return ctx.Err()
	}
	s.answer, err = finishAnswer(s.pc.LocalDescription().SDP, s.offer, s.candidates)
	return err
}

// notify wakes whoever reads from a channel of capacity one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run reports candidates and states until the session ends, then closes it.
func (s *Session) run(ctx context.Context) {
	defer close(s.done)
	defer s.cancel()
	for _, c := range s.candidates {
		s.receiver.Candidate(s.browserForm(c.value))
	}
	state := Connecting
	s.reportState(state)
	silence := time.NewTimer(0)
	<-silence.C
	ticker := time.NewTicker(livenessInterval)
	defer ticker.Stop()
	var alive liveness
	for ctx.Err() == nil {
		now := state
		select {
		case <-ctx.Done():
		case <-silence.C:
			s.logSilence()
		case at := <-ticker.C:
			if state == Connected || state == Disconnected {
				now = s.look(&alive, at)
			}
		case <-s.changed:
			now = s.connection(state)
		}
		if now == Connected && state == Connecting {
			s.user.connected.Store(true)
			silence.Reset(silenceTimeout)
		}
		if now == Failed || now == Closed {
			s.cancel()
		}
		if now != state && now != Closed { // which shutdown reports
			state = now
			s.reportState(state)
		}
	}
	silence.Stop()
	s.shutdown()
}

// connection is the state that Pion's connection gives a session. Once that
// stands, what is heard says whether the publisher is there.
func (s *Session) connection(state State) State {
	now := stateOf(s.pc.ConnectionState())
	if state != Connecting && (now == Connected || now == Disconnected) {
		return state
	}
	return now
}

// look says whether the publisher is there and asks it when that is not known.
func (s *Session) look(alive *liveness, now time.Time) State {
	away, ask := alive.judge(now, s.path.heard())
	if ask {
		if err := s.ask(); err != nil {
			s.log.Debug("publisher not asked", slog.Any("err", err))
		}
	}
	if away {
		return Disconnected
	}
	return Connected
}

// shutdown closes the connection and waits for all goroutines of the session.
func (s *Session) shutdown() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if err := s.pc.GracefulClose(); err != nil {
		s.log.Debug("closing the connection", slog.Any("err", err))
	}
	s.tracks.Wait()
	s.reportState(Closed)
}

func (s *Session) reportState(state State) {
	s.log.Info("session changed", slog.String("state", state.String()))
	s.receiver.State(state)
}

// logSilence says what a connected publisher offered and does not send: a
// camera that was stopped, or a network that passes checks but no media.
func (s *Session) logSilence() {
	stats := s.Stats()
	for kind, t := range map[media.Kind]TrackStats{media.Video: stats.Video, media.Audio: stats.Audio} {
		if t.Negotiated && t.Frames == 0 {
			s.log.Warn("connected, but no media of this kind arrives",
				slog.String("kind", kind.String()), slog.Uint64("packets", t.Packets), slog.Uint64("lost", t.Lost))
		}
	}
}

// spawn runs f in a goroutine that shutdown waits for.
func (s *Session) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.tracks.Go(func() {
			defer s.survive()
			f()
		})
	}
}

// survive keeps a panic, which only bytes from outside can cause here, from
// ending more than this session.
func (s *Session) survive() {
	if cause := recover(); cause != nil {
		s.log.Error("session failed", slog.Any("err", cause), slog.String("stack", string(debug.Stack())))
		s.cancel()
	}
}

// maxSources bounds the sources of one session, each of which costs goroutines
// for the rest of it. A publisher has one for each track and one for its
// retransmissions, and new ones when it replaces a track.
const maxSources = 64

// addTrack starts reading a track that surfaced.
func (s *Session) addTrack(remote *pion.TrackRemote, receiver *pion.RTPReceiver) {
	if s.sources.Add(1) > maxSources {
		s.log.Warn("session ends: its publisher sends from too many sources")
		s.cancel()
		return
	}
	t := newTrack(s, remote)
	s.log.Debug("track surfaced", slog.String("kind", t.kind.String()), slog.Uint64("ssrc", uint64(remote.SSRC())))
	s.spawn(t.run)
	s.spawn(func() { t.readReports(receiver) })
}

// ownerPatience is after how long without a packet a track gives way to another
// of its kind: a publisher may go on from another source.
const ownerPatience = time.Second

// owns makes t the track whose frames are handed on, unless there is another
// that is heard, and says whether it is.
func (s *Session) owns(t *track, now time.Time) bool {
	owner := &s.owners[t.kind]
	for {
		current := owner.Load()
		if current == t {
			return true
		}
		if current != nil && s.since(now)-time.Duration(current.heard.Load()) < ownerPatience {
			return false
		}
		if owner.CompareAndSwap(current, t) {
			return true
		}
	}
}

// isHeard says whether t is, or may yet become, the track whose frames are
// handed on: nothing is asked of others.
func (s *Session) isHeard(t *track) bool {
	owner := s.owners[t.kind].Load()
	return owner == nil || owner == t
}

// since is how long the session has been there.
func (s *Session) since(now time.Time) time.Duration { return now.Sub(s.begun) }

func (s *Session) write(packets ...rtcp.Packet) {
	if err := s.pc.WriteRTCP(packets); err != nil {
		s.log.Debug("feedback not sent", slog.Any("err", err))
	}
}

// ID names the session.
func (s *Session) ID() string { return s.id }

// SDP is the answer, with all our candidates.
func (s *Session) SDP() string { return s.answer }

// RequestKeyFrame asks the publisher for a key frame, until one comes.
func (s *Session) RequestKeyFrame() {
	if t := s.owners[media.Video].Load(); t != nil {
		t.keys.want()
		t.requestKeyFrame(time.Now())
	}
}

// Close ends the session and waits for its goroutines. It must not be called
// from a Receiver.
func (s *Session) Close() {
	s.cancel()
	<-s.done
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }
