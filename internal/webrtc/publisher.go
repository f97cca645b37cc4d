package webrtc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/media"
)

// payloadSize is the largest payload that is sent: with headers it fits the
// 1280 bytes that IPv6 guarantees.
const payloadSize = 1160

// PublisherConfig says what a publisher sends.
type PublisherConfig struct {
	Video media.Codec // media.VP8, media.VP9, media.AV1 or media.H264; 0 for no video
	Audio bool        // send Opus
	// TCPOnly leaves UDP out, as a firewall that blocks it does.
	TCPOnly bool
	Log     *slog.Logger // nil discards it
}

// Publisher is the other end of a session: it sends coded frames over WebRTC.
// Its life is NewPublisher → Offer → SetAnswer → Write… → Close.
type Publisher struct {
	log          *slog.Logger
	pc           *pion.PeerConnection
	video, audio *outgoing // nil when not sent
	clock        clock

	connected, done chan struct{}
	connectOnce     sync.Once
	doneOnce        sync.Once
	keyFrame        chan struct{}
	readers         sync.WaitGroup
}

// outgoing is a track that is sent.
type outgoing struct {
	publisher  *Publisher
	ssrc       uint32
	codec      media.Codec
	track      *pion.TrackLocalStaticRTP
	mu         sync.Mutex // one frame after the other
	sent       sent
	packetizer rtp.Packetizer
}

// NewPublisher makes a publisher that offers what cfg says.
func NewPublisher(cfg PublisherConfig) (*Publisher, error) {
	return newPublisher(cfg)
}

// newPublisher is NewPublisher with what stands between it and the network.
func newPublisher(cfg PublisherConfig, network ...interceptor.Factory) (*Publisher, error) {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	api, err := newSendingAPI(cfg, &pionLogs{log}, network)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(pion.Configuration{})
	if err != nil {
		return nil, err
	}
	p := &Publisher{
		log:       log,
		pc:        pc,
		connected: make(chan struct{}),
		done:      make(chan struct{}),
		keyFrame:  make(chan struct{}, 1),
	}
	pc.OnConnectionStateChange(func(pion.PeerConnectionState) { p.follow() })
	if cfg.Video != 0 {
		p.video, err = p.add(cfg.Video)
	}
	if cfg.Audio && err == nil {
		p.audio, err = p.add(media.Opus)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// add adds a track, and reads what is reported about it.
func (p *Publisher) add(codec media.Codec) (*outgoing, error) {
	capability := sentCodec(codec).RTPCodecCapability
	track, err := pion.NewTrackLocalStaticRTP(capability, codec.Kind().String(), "sluice")
	if err != nil {
		return nil, err
	}
	transceiver, err := p.pc.AddTransceiverFromTrack(track, pion.RTPTransceiverInit{Direction: pion.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	p.readers.Go(func() { p.readFeedback(transceiver.Sender()) })
	return &outgoing{
		publisher: p,
		ssrc:      uint32(transceiver.Sender().GetParameters().Encodings[0].SSRC),
		codec:     codec,
		track:     track,
		packetizer: rtp.NewPacketizerWithOptions(payloadSize+12, payloader(codec), rtp.NewRandomSequencer(),
			codec.ClockRate(), rtp.WithTimestamp(0)),
	}, nil
}

func payloader(codec media.Codec) rtp.Payloader {
	switch codec {
	case media.VP8:
		return &codecs.VP8Payloader{EnablePictureID: true}
	case media.VP9:
		return &codecs.VP9Payloader{}
	case media.AV1:
		return &codecs.AV1Payloader{}
	case media.H264:
		return &codecs.H264Payloader{}
	default:
		return &codecs.OpusPayloader{}
	}
}

// readFeedback reads the RTCP that a sender gets, until the connection closes.
func (p *Publisher) readFeedback(sender *pion.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				notify(p.keyFrame)
			}
		}
	}
}

// follow turns the connection's state into closed channels.
func (p *Publisher) follow() {
	switch p.pc.ConnectionState() {
	case pion.PeerConnectionStateConnected:
		p.connectOnce.Do(func() { close(p.connected) })
	case pion.PeerConnectionStateFailed, pion.PeerConnectionStateClosed:
		p.doneOnce.Do(func() { close(p.done) })
	default: // on the way, or away for a while
	}
}

// Offer makes the offer, with all candidates.
func (p *Publisher) Offer(ctx context.Context) (string, error) {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	complete := pion.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	select {
	case <-complete:
		return p.pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("webrtc: gathering candidates: %w", ctx.Err())
	}
}

// SetAnswer takes the server's answer and connects.
func (p *Publisher) SetAnswer(sdp string) error {
	return p.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: sdp})
}

// AddCandidate takes a candidate of the server.
func (p *Publisher) AddCandidate(c sluice.ICECandidate) error {
	return p.pc.AddICECandidate(pion.ICECandidateInit{
		Candidate:        c.Candidate,
		SDPMid:           c.SDPMid,
		SDPMLineIndex:    c.SDPMLineIndex,
		UsernameFragment: c.UsernameFragment,
	})
}

var errNotOffered = errors.New("webrtc: the publisher was made without this kind of media")

// WriteVideo sends a frame, as media.Frame describes it, that belongs at a time
// of the publisher's own choosing.
func (p *Publisher) WriteVideo(frame []byte, at time.Duration) error {
	return p.video.write(frame, at)
}

// WriteAudio sends an Opus packet that belongs at a time on the same clock.
func (p *Publisher) WriteAudio(packet []byte, at time.Duration) error {
	return p.audio.write(packet, at)
}

func (o *outgoing) write(frame []byte, at time.Duration) error {
	if o == nil {
		return errNotOffered
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	timestamp := rtpTime(at, o.codec.ClockRate())
	for _, packet := range o.packetizer.Packetize(frame, 0) {
		packet.Timestamp = timestamp
		if err := o.track.WriteRTP(packet); err != nil {
			return err
		}
		o.sent.packets++
		o.sent.octets += uint32(len(packet.Payload))
	}
	if report := o.sent.due(at, o.publisher.clock.wall(at), o.ssrc, timestamp); report != nil {
		return o.publisher.pc.WriteRTCP([]rtcp.Packet{report})
	}
	return nil
}

// rtpTime is a time in the nearest tick of a clock, whose ticks wrap.
func rtpTime(at time.Duration, rate uint32) uint32 {
	seconds, rest := int64(at/time.Second), int64(at%time.Second)
	return uint32(seconds*int64(rate) + (rest*int64(rate)+int64(time.Second/2))/int64(time.Second))
}

// Connected is closed when media can flow.
func (p *Publisher) Connected() <-chan struct{} { return p.connected }

// KeyFrameRequested yields when the server wants a key frame.
func (p *Publisher) KeyFrameRequested() <-chan struct{} { return p.keyFrame }

// Done is closed when the connection has failed or was closed.
func (p *Publisher) Done() <-chan struct{} { return p.done }

// Close ends the connection and waits for its goroutines.
func (p *Publisher) Close() {
	if err := p.pc.GracefulClose(); err != nil {
		p.log.Debug("closing the connection", slog.Any("err", err))
	}
	p.readers.Wait()
	p.doneOnce.Do(func() { close(p.done) })
}
