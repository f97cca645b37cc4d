package cmaf

import (
	"time"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// Chunk is the smallest piece that is delivered: one moof and mdat of about
// one sluice.ChunkLength, the first of a segment with styp before it. It is
// immutable, and its bytes exist once: a segment is its chunks on end.
type Chunk struct {
	Start       uint64 // decode time of its first sample, in ticks
	Duration    uint64 // ticks
	Independent bool   // starts with a sync sample
	Bytes       []byte
}

// End is the decode time at which the chunk ends, in ticks.
func (c Chunk) End() uint64 { return c.Start + c.Duration }

// openChunk gathers samples until the chunk can be closed.
type openChunk struct {
	samples []mp4.Sample
	payload []byte
	start   uint64
	end     uint64
}

func (o *openChunk) empty() bool { return len(o.samples) == 0 }

// add appends a sample. A hole before it is bridged by the sample that went
// before: inside a run the times are sums of durations.
func (o *openChunk) add(s sample) {
	if o.empty() {
		o.start = s.start
	} else {
		last := &o.samples[len(o.samples)-1]
		last.Dur = uint32(uint64(last.Dur) + s.start - o.end) // within one chunk
	}
	flags := mp4.SyncSampleFlags
	if !s.sync {
		flags = mp4.SetNonSyncSampleFlags(0)
	}
	o.samples = append(o.samples, mp4.NewSample(flags, s.duration, uint32(len(s.data)), s.offset))
	o.payload = append(o.payload, s.data...)
	o.end = s.end()
}

// stretch lets the last sample stand up to a time, if that is later.
func (o *openChunk) stretch(to uint64) {
	if to > o.end {
		o.samples[len(o.samples)-1].Dur += uint32(to - o.end) // less than two chunks
		o.end = to
	}
}

// truncate takes back the samples that start at or after a time: a new encoder
// run replaces them.
func (o *openChunk) truncate(at uint64) {
	for !o.empty() {
		last := o.samples[len(o.samples)-1]
		start := o.end - uint64(last.Dur)
		if start < at {
			o.end = min(o.end, at)
			o.samples[len(o.samples)-1].Dur = uint32(o.end - start)
			return
		}
		o.samples = o.samples[:len(o.samples)-1]
		o.payload = o.payload[:len(o.payload)-int(last.Size)]
		o.end = start
	}
}

func (o *openChunk) reset() {
	o.samples, o.payload = o.samples[:0], o.payload[:0]
}

// chunkContext is what a chunk's boxes say besides its samples.
type chunkContext struct {
	trackID  uint32
	sequence uint32    // mfhd: rises
	wall     time.Time // when its first sample reached the encoder
	first    bool      // of its segment
}

// close makes the chunk: [styp] prft moof mdat (ISO/IEC 23000-19, section
// 7.3.2.3). The samples are copied, once, into a buffer of exactly that size.
func (o *openChunk) close(cx chunkContext) (Chunk, error) {
	boxes, err := o.boxes(cx)
	if err != nil {
		return Chunk{}, err
	}
	size := mdatHeader + len(o.payload)
	for _, b := range boxes {
		size += int(b.Size())
	}
	out := make([]byte, size)
	w := bits.NewFixedSliceWriterFromSlice(out)
	for _, b := range boxes {
		if err := b.EncodeSW(w); err != nil {
			return Chunk{}, err
		}
	}
	w.WriteUint32(uint32(mdatHeader + len(o.payload)))
	w.WriteString("mdat", false)
	w.WriteBytes(o.payload)
	return Chunk{
		Start:       o.start,
		Duration:    o.end - o.start,
		Independent: o.samples[0].IsSync(),
		Bytes:       out,
	}, w.AccError()
}

const mdatHeader = 8

// boxes are all boxes of the chunk but mdat.
func (o *openChunk) boxes(cx chunkContext) ([]mp4.Box, error) {
	moof, err := o.moof(cx)
	if err != nil {
		return nil, err
	}
	prft := mp4.CreatePrftBox(1, mp4.PrftTimeEncoderInput, cx.trackID, ntp(cx.wall), o.start)
	if cx.first {
		return []mp4.Box{mp4.NewStyp("cmfs", 0, []string{"cmfs", "cmff", "cmfl", "msdh"}), prft, moof}, nil
	}
	return []mp4.Box{prft, moof}, nil
}

// moof has one traf of one run, whose bytes follow in the chunk's mdat.
func (o *openChunk) moof(cx chunkContext) (*mp4.MoofBox, error) {
	tfdt := mp4.CreateTfdt(o.start)
	tfdt.Version = 1
	trun := mp4.CreateTrun(0)
	trun.Samples = append([]mp4.Sample(nil), o.samples...)
	traf, moof := &mp4.TrafBox{}, &mp4.MoofBox{}
	for _, b := range []mp4.Box{mp4.CreateTfhd(cx.trackID), tfdt, trun} {
		if err := traf.AddChild(b); err != nil {
			return nil, err
		}
	}
	if err := traf.OptimizeTfhdTrun(); err != nil {
		return nil, err
	}
	for _, b := range []mp4.Box{mp4.CreateMfhd(cx.sequence), traf} {
		if err := moof.AddChild(b); err != nil {
			return nil, err
		}
	}
	trun.DataOffset = int32(moof.Size() + mdatHeader)
	return moof, nil
}

// ntp is a wall time as an NTP timestamp (RFC 5905, section 6).
func ntp(t time.Time) mp4.NTP64 {
	seconds := uint64(t.Unix() + mp4.NTPEpochOffset)
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return mp4.NTP64(seconds<<32 | fraction)
}
