package cmaf

import (
	"fmt"
	"io"

	"github.com/Eyevinn/mp4ff/mp4"
)

// sample is one coded frame. Times are in ticks of the track's timescale.
type sample struct {
	start    uint64 // decode time
	duration uint32 // at least 1
	offset   int32  // composition time minus decode time
	sync     bool   // decodable without any sample before it
	data     []byte // lives until the next fragment is read
}

func (s sample) end() uint64 { return s.start + uint64(s.duration) }

// fragmentReader reads the fragmented MP4 of one track: a header, then
// fragments of any number of samples.
type fragmentReader struct {
	boxes boxReader
	init  *Init
}

// newFragmentReader reads the header.
func newFragmentReader(r io.Reader) (*fragmentReader, error) {
	fr := &fragmentReader{boxes: boxReader{r: r}}
	for {
		b, err := fr.boxes.next()
		if err != nil {
			return nil, err
		}
		switch b.kind {
		case "ftyp": // the init segment gets one of our own
		case "moov":
			fr.init, err = newInit(b)
			return fr, err
		default:
			return nil, fmt.Errorf("%w: %s before moov", ErrBox, b.kind)
		}
	}
}

// next reads one fragment. Between fragments the end of the stream is io.EOF.
func (fr *fragmentReader) next() ([]sample, error) {
	b, err := fr.boxes.next()
	if err != nil {
		return nil, err
	}
	if b.kind != "moof" {
		return nil, fmt.Errorf("%w: %s in place of moof", ErrBox, b.kind)
	}
	traf, err := decodeTraf(b)
	if err != nil {
		return nil, err
	}
	moofSize := len(b.bytes)
	if b, err = fr.boxes.next(); err != nil {
		return nil, unexpected(err)
	}
	if b.kind != "mdat" {
		return nil, fmt.Errorf("%w: %s after moof", ErrBox, b.kind)
	}
	if traf.Trun.HasDataOffset() && int(traf.Trun.DataOffset) != moofSize+b.header {
		return nil, fmt.Errorf("%w: trun points %d bytes on, mdat begins after %d", ErrBox, traf.Trun.DataOffset, moofSize+b.header)
	}
	traf.Trun.AddSampleDefaultValues(traf.Tfhd, fr.init.trex)
	return cutSamples(traf, b.body())
}

// decodeTraf checks that a moof has one track fragment of one run, as CMAF
// demands (ISO/IEC 23000-19, section 7.3.2), and returns it.
func decodeTraf(b box) (*mp4.TrafBox, error) {
	parsed, err := b.decode()
	if err != nil {
		return nil, err
	}
	moof, ok := parsed.(*mp4.MoofBox)
	if !ok || len(moof.Trafs) != 1 {
		return nil, fmt.Errorf("%w: moof without exactly one traf", ErrBox)
	}
	traf := moof.Traf
	if traf.Tfhd == nil || traf.Tfdt == nil || len(traf.Truns) != 1 {
		return nil, fmt.Errorf("%w: traf without tfhd, tfdt and exactly one trun", ErrBox)
	}
	if n := traf.Trun.SampleCount(); n > maxSamples {
		return nil, fmt.Errorf("%w: trun of %d samples", ErrBox, n)
	}
	return traf, nil
}

// cutSamples gives each sample of the run its time and its bytes.
func cutSamples(traf *mp4.TrafBox, payload []byte) ([]sample, error) {
	samples := make([]sample, 0, len(traf.Trun.Samples))
	at := traf.Tfdt.BaseMediaDecodeTime()
	if at > maxTicks {
		return nil, fmt.Errorf("%w: decode time %d", ErrBox, at)
	}
	for _, s := range traf.Trun.Samples {
		if uint64(s.Size) > uint64(len(payload)) {
			return nil, fmt.Errorf("%w: sample of %d bytes, %d left in mdat", ErrBox, s.Size, len(payload))
		}
		cut := sample{
			start:    at,
			duration: max(s.Dur, 1),
			offset:   s.CompositionTimeOffset,
			sync:     s.Flags&mp4.NonSyncSampleFlags == 0,
			data:     payload[:s.Size],
		}
		samples = append(samples, cut)
		at, payload = cut.end(), payload[s.Size:]
	}
	return samples, nil
}
