package webrtc

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/webrtc/v4"

	"github.com/sluicelive/sluice/internal/jitter"
	"github.com/sluicelive/sluice/internal/media"
	"github.com/sluicelive/sluice/internal/webrtc/depacket"
)

const (
	// videoWindow is how long a missing packet of video is waited for: some
	// round trips. What is not mended by then costs a key frame.
	videoWindow = 200 * time.Millisecond
	// audioWindow is the same of audio, where a missing packet costs 20 ms of
	// sound: not worth more delay than three of them.
	audioWindow = 60 * time.Millisecond
	// heldPackets bounds the packets that are held back: 200 ms at 25 Mb/s.
	heldPackets = 512
	// upkeepInterval is how often a silent track looks after its requests.
	upkeepInterval = 500 * time.Millisecond
	// gapInterval is how often a track with a gap looks for retransmissions,
	// which come in beside its stream and wake nobody.
	gapInterval = 10 * time.Millisecond
	// maxReadErrors ends a track whose packets cannot be read at all.
	maxReadErrors = 1000
)

// track reads one track: packets, put in order, become frames.
type track struct {
	session *Session
	log     *slog.Logger
	kind    media.Kind
	remote  *pion.TrackRemote

	order      *jitter.Buffer
	nacks      nacks
	assembler  *depacket.Assembler                 // of the codec in use; nil before the first packet
	assemblers [media.Opus + 1]*depacket.Assembler // by codec, made when first needed
	keys       keyRequests
	losses     lossLog
	codecs     codecLog
	deadline   time.Time // of reads, as it is set
	counts     counts
	heard      atomic.Int64 // when the newest packet arrived, as Session.since says
}

func newTrack(s *Session, remote *pion.TrackRemote) *track {
	t := &track{session: s, remote: remote, kind: media.Video}
	window := videoWindow
	if remote.Kind() == pion.RTPCodecTypeAudio {
		t.kind, window = media.Audio, audioWindow
	}
	t.order = jitter.New(window, heldPackets)
	t.log = s.log.With(slog.String("kind", t.kind.String()))
	return t
}

// run reads until the session ends. It alone touches the track, but for counts
// and keys.
func (t *track) run() {
	buf := make([]byte, maxPacket)
	failures := 0
	for failures < maxReadErrors {
		if t.order.Len() > 0 {
			buf = make([]byte, maxPacket) // the last one is held back
		}
		t.setDeadline(time.Now())
		n, attributes, err := t.remote.Read(buf)
		now := time.Now()
		switch {
		case err == nil:
			failures = 0
			t.receive(buf[:n], attributes, now)
		case errors.Is(err, io.EOF):
			return
		case !isTimeout(err): // of one packet: one of a payload type unknown, for instance
			failures++
			t.log.Debug("packet not read", slog.Any("err", err))
		}
		t.deliver(now)
		t.upkeep(now)
	}
	t.log.Warn("track given up: none of its packets can be read")
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// setDeadline makes the next read return when something is to be done, though
// nothing arrives.
func (t *track) setDeadline(now time.Time) {
	next := t.deadline
	if !next.After(now) {
		next = now.Add(upkeepInterval)
	}
	if due, waiting := t.order.Deadline(); waiting {
		next = earliest(due, now.Add(gapInterval))
	}
	if next.Equal(t.deadline) {
		return
	}
	t.deadline = next
	if err := t.remote.SetReadDeadline(next); err != nil {
		t.log.Debug("read deadline not set", slog.Any("err", err))
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// receive takes a packet in.
func (t *track) receive(raw []byte, attributes interceptor.Attributes, now time.Time) {
	var p rtp.Packet
	if err := p.Unmarshal(raw); err != nil {
		t.log.Debug("packet malformed", slog.Any("err", err))
		return
	}
	number := p.PayloadType
	if repair, ok := attributes.Get(pion.AttributeRtxPayloadType).(byte); ok {
		// What it retransmits is known even when no original came before it.
		if rtx, known := t.session.offer.payload(t.kind, repair); known {
			number = rtx.repairs
		}
	}
	t.heard.Store(int64(t.session.since(now)))
	t.counts.packets.Add(1)
	t.counts.bytes.Add(uint64(len(p.Payload)))
	t.order.Push(jitter.Packet{
		Sequence:    p.SequenceNumber,
		Timestamp:   p.Timestamp,
		Marker:      p.Marker,
		PayloadType: number,
		Payload:     p.Payload,
		Arrived:     now,
	})
}

// deliver assembles what is in order and hands the frames on.
func (t *track) deliver(now time.Time) {
	for {
		p, ok := t.order.Pop(now)
		if !ok {
			return
		}
		format, known := t.session.offer.payload(t.kind, p.PayloadType)
		if !known || format.codec == 0 || !t.session.owns(t, now) {
			continue
		}
		if t.use(format.codec, p.Timestamp) {
			t.assembler.Push(p, t.emit)
		}
	}
}

// use makes the assembler one of the codec that a packet is of: a publisher may
// change among those that were negotiated with any frame. Inside a frame it may
// not: then the packet is no part of it, and the frame is damaged.
func (t *track) use(codec media.Codec, timestamp uint32) (usable bool) {
	if t.assembler != nil && t.assembler.Codec() == codec {
		return true
	}
	if t.assembler != nil && t.assembler.Inside(timestamp) {
		t.assembler.Interrupt()
		return false
	}
	if t.assembler = t.assemblers[codec]; t.assembler != nil {
		t.assembler.Interrupt() // it was not given what came in between
	} else {
		t.assembler = depacket.New(codec)
		t.assemblers[codec] = t.assembler
	}
	t.counts.codec.Store(uint32(codec))
	return true
}

func (t *track) emit(f media.Frame) {
	t.counts.frames.Add(1)
	if f.Key {
		t.counts.keyFrames.Add(1)
		t.keys.satisfy()
	}
	t.session.receiver.Frame(f)
}

// upkeep asks for what is missing, packets and key frames, and counts it.
func (t *track) upkeep(now time.Time) {
	if t.session.isHeard(t) {
		t.request(now)
	}
	lost, dropped := t.order.Stats().Lost, uint64(0)
	for _, a := range t.assemblers {
		if a != nil {
			dropped += a.Stats().Dropped
		}
	}
	t.counts.lost.Store(lost)
	t.counts.dropped.Store(dropped)
	t.losses.note(t.log, now, lost, dropped)
	if t.assembler != nil {
		t.codecs.note(t.log, now, t.assembler.Codec())
	}
}

// request asks for missing packets and for the key frame that is needed.
func (t *track) request(now time.Time) {
	if missing := t.order.Missing(now); len(missing) > 0 && t.nacks.due(now) {
		t.session.write(&rtcp.TransportLayerNack{
			MediaSSRC: uint32(t.remote.SSRC()), Nacks: rtcp.NackPairsFromSequenceNumbers(missing),
		})
	}
	if t.kind == media.Video && (t.assembler == nil || t.assembler.NeedsKey()) {
		t.keys.want()
	}
	t.requestKeyFrame(now)
}

// requestKeyFrame asks for a key frame if one is wanted and the last request
// is long enough ago. Any goroutine may call it.
func (t *track) requestKeyFrame(now time.Time) {
	if t.keys.due(now) {
		t.counts.keyFrameRequests.Add(1)
		t.session.write(&rtcp.PictureLossIndication{MediaSSRC: uint32(t.remote.SSRC())})
	}
}

// readReports reads the track's RTCP, which must be read in any case, until
// the session ends.
func (t *track) readReports(receiver *pion.RTPReceiver) {
	for failures := 0; failures < maxReadErrors; {
		packets, _, err := receiver.ReadRTCP()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return
		}
		if err != nil {
			failures++
			continue
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == uint32(t.remote.SSRC()) && t.session.isHeard(t) {
				t.session.receiver.SenderReport(media.SenderReport{Kind: t.kind, NTP: ntpTime(sr.NTPTime), RTPTime: sr.RTPTime})
			}
		}
	}
}

// ntpEpoch is 1900 in Unix time (RFC 5905, section 6).
const ntpEpoch = -2_208_988_800

// ntpTime reads an NTP timestamp: seconds since 1900 in 32.32 fixed point. 0,
// from senders without a clock (RFC 3550, section 6.4.1), is the zero time.
func ntpTime(ntp uint64) time.Time {
	if ntp == 0 {
		return time.Time{}
	}
	fraction := time.Duration((ntp & 0xffff_ffff) * uint64(time.Second) >> 32)
	return time.Unix(int64(ntp>>32)+ntpEpoch, int64(fraction))
}
