package webrtc

import (
	"strconv"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice/internal/media"
)

// ICE timing. Our publishers check every second (RFC 7675 asks for consent at
// least every 30 s); browsers every few. A session ends 13 s after the last
// thing that was heard: the time a phone needs to change networks.
const (
	keepAlive         = time.Second
	disconnectedAfter = 3 * time.Second
	failedAfter       = 10 * time.Second
)

// maxPacket is the largest RTP packet that is read: more than an Ethernet frame
// holds.
const maxPacket = 1600

// commonSettings are those of both ends.
func commonSettings(logs logging.LoggerFactory) pion.SettingEngine {
	e := pion.SettingEngine{LoggerFactory: logs}
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	e.SetReceiveMTU(maxPacket)
	e.SetNetworkTypes([]pion.NetworkType{
		pion.NetworkTypeUDP4, pion.NetworkTypeUDP6, pion.NetworkTypeTCP4, pion.NetworkTypeTCP6,
	})
	return e
}

// newReceivingAPI is Pion for one session, which knows exactly the payload
// types of its offer: what a browser offers of a codec is what we take of it,
// whatever the profile.
func newReceivingAPI(o *offer, settings pion.SettingEngine) (*pion.API, error) {
	engine := &pion.MediaEngine{}
	for _, s := range o.sections {
		if !s.kept {
			continue
		}
		for _, p := range s.payloads {
			if err := engine.RegisterCodec(p.parameters(s.kind), codecType(s)); err != nil {
				return nil, err
			}
		}
	}
	for _, kind := range []pion.RTPCodecType{pion.RTPCodecTypeVideo, pion.RTPCodecTypeAudio} {
		if err := engine.RegisterHeaderExtension(pion.RTPHeaderExtensionCapability{URI: transportCC}, kind); err != nil {
			return nil, err
		}
	}
	congestion, err := twcc.NewSenderInterceptor(twcc.WithLoggerFactory(settings.LoggerFactory))
	if err != nil {
		return nil, err
	}
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(settings.LoggerFactory))
	if err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	registry.Add(congestion)
	registry.Add(reports)
	return pion.NewAPI(
		pion.WithMediaEngine(engine), pion.WithInterceptorRegistry(registry), pion.WithSettingEngine(settings),
	), nil
}

func codecType(s section) pion.RTPCodecType {
	return pion.NewRTPCodecType(s.kind.String())
}

// sentPayloads are the payload types of a publisher of ours.
const (
	sentVideo          = 96
	sentRetransmission = 97
	sentAudio          = 111
)

// sentCodec is a codec as a publisher of ours offers it.
func sentCodec(codec media.Codec) pion.RTPCodecParameters {
	p := payload{number: sentVideo, codec: codec, mime: codec.Kind().String() + "/" + codec.String()}
	switch codec {
	case media.Opus:
		p.number, p.channels, p.fmtp = sentAudio, 2, "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"
	case media.H264:
		p.fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	case media.VP9:
		p.fmtp = "profile-id=0"
	default: // without parameters
	}
	return p.parameters(codec.Kind())
}

// newSendingAPI is Pion for one publisher. network is what stands between it
// and the wire.
func newSendingAPI(cfg PublisherConfig, logs logging.LoggerFactory, network []interceptor.Factory) (*pion.API, error) {
	engine := &pion.MediaEngine{}
	var sent []pion.RTPCodecParameters
	if cfg.Video != 0 {
		rtx := payload{number: sentRetransmission, mime: pion.MimeTypeRTX, fmtp: "apt=" + strconv.Itoa(sentVideo)}
		sent = append(sent, sentCodec(cfg.Video), rtx.parameters(media.Video))
	}
	if cfg.Audio {
		sent = append(sent, sentCodec(media.Opus))
	}
	for _, c := range sent {
		kind := pion.RTPCodecTypeVideo
		if c.PayloadType == sentAudio {
			kind = pion.RTPCodecTypeAudio
		}
		if err := engine.RegisterCodec(c, kind); err != nil {
			return nil, err
		}
	}
	registry := &interceptor.Registry{}
	for _, n := range network {
		registry.Add(n)
	}
	if err := pion.ConfigureTWCCHeaderExtensionSender(engine, registry); err != nil {
		return nil, err
	}
	retransmission, err := nack.NewResponderInterceptor(nack.WithResponderLoggerFactory(logs))
	if err != nil {
		return nil, err
	}
	registry.Add(retransmission)
	settings := commonSettings(logs)
	if cfg.TCPOnly {
		settings.SetNetworkTypes([]pion.NetworkType{pion.NetworkTypeTCP4, pion.NetworkTypeTCP6})
	}
	settings.SetIncludeLoopbackCandidate(true) // works on a machine without a network
	return pion.NewAPI(
		pion.WithMediaEngine(engine), pion.WithInterceptorRegistry(registry), pion.WithSettingEngine(settings),
	), nil
}
