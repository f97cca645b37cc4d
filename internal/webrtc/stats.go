package webrtc

import (
	"sync/atomic"

	"github.com/sluicelive/sluice/internal/media"
)

// Stats is what a session has received so far.
type Stats struct {
	Video, Audio TrackStats
}

// TrackStats is what a session has received of one kind. Negotiated without
// Frames means that the publisher offered the kind and sends nothing of it.
type TrackStats struct {
	Negotiated bool
	Codec      media.Codec // 0 before the first packet
	Packets    uint64      // that arrived, copies and late ones included
	Bytes      uint64      // of their payloads
	Lost       uint64      // packets that were given up
	Frames     uint64      // handed on
	Dropped    uint64      // frames that were damaged or could not be decoded
	KeyFrames  uint64      // handed on
	Requests   uint64      // key frames asked for
}

// Stats are the counts so far.
func (s *Session) Stats() Stats {
	return Stats{Video: s.trackStats(media.Video), Audio: s.trackStats(media.Audio)}
}

func (s *Session) trackStats(kind media.Kind) TrackStats {
	t := s.owners[kind].Load()
	if t == nil {
		return TrackStats{Negotiated: s.offer.takes(kind)}
	}
	return t.counts.stats()
}

// counts are written by a track's goroutine and read by any.
type counts struct {
	codec                                                              atomic.Uint32
	packets, bytes, lost, frames, dropped, keyFrames, keyFrameRequests atomic.Uint64
}

func (c *counts) stats() TrackStats {
	return TrackStats{
		Negotiated: true,
		Codec:      media.Codec(c.codec.Load()),
		Packets:    c.packets.Load(),
		Bytes:      c.bytes.Load(),
		Lost:       c.lost.Load(),
		Frames:     c.frames.Load(),
		Dropped:    c.dropped.Load(),
		KeyFrames:  c.keyFrames.Load(),
		Requests:   c.keyFrameRequests.Load(),
	}
}
