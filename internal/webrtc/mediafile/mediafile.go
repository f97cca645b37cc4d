// Package mediafile reads coded frames out of the containers in which a
// publisher without a browser gets them: IVF, H.264 in Annex B, Ogg.
package mediafile

import (
	"errors"
	"fmt"
	"io"

	"github.com/pion/webrtc/v4/pkg/media/h264reader"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/sluicelive/sluice/internal/media"
)

// Frames yields one coded frame, or Opus packet, after the other.
type Frames interface {
	// Next returns the next frame, in the form of media.Frame, or io.EOF.
	Next() ([]byte, error)
}

// NewVideo reads the video of a stream: IVF for VP8, VP9 and AV1, Annex B with
// access unit delimiters for H.264.
func NewVideo(r io.Reader, codec media.Codec) (Frames, error) {
	if codec == media.H264 {
		reader, err := h264reader.NewReaderWithOptions(r, h264reader.WithIncludeSEI(true))
		if err != nil {
			return nil, fmt.Errorf("mediafile: H.264: %w", err)
		}
		return &accessUnits{reader: reader}, nil
	}
	reader, head, err := ivfreader.NewWith(r)
	if err != nil {
		return nil, fmt.Errorf("mediafile: IVF: %w", err)
	}
	if want := fourCC(codec); head.FourCC != want {
		return nil, fmt.Errorf("mediafile: IVF of %q, not of %q", head.FourCC, want)
	}
	return ivf{reader}, nil
}

// fourCC is what an IVF file calls a codec.
func fourCC(codec media.Codec) string {
	return map[media.Codec]string{media.VP8: "VP80", media.VP9: "VP90", media.AV1: "AV01"}[codec]
}

type ivf struct{ reader *ivfreader.IVFReader }

// Next implements Frames.
func (f ivf) Next() ([]byte, error) {
	frame, _, err := f.reader.ParseNextFrame()
	return frame, err
}

// accessUnits joins the NAL units between two access unit delimiters.
type accessUnits struct {
	reader *h264reader.H264Reader
}

// Next implements Frames.
func (a *accessUnits) Next() ([]byte, error) {
	var unit []byte
	for {
		nal, err := a.reader.NextNAL()
		switch {
		case errors.Is(err, io.EOF) && unit != nil:
			return unit, nil
		case err != nil:
			return nil, err
		case nal.UnitType == h264reader.NalUnitTypeAUD:
			if unit != nil {
				return unit, nil
			}
		default:
			unit = append(append(unit, 0, 0, 0, 1), nal.Data...)
		}
	}
}

// NewOpus reads the packets of an Ogg stream that has one packet a page.
func NewOpus(r io.Reader) (Frames, error) {
	reader, err := oggreader.NewWithOptions(r)
	if err != nil {
		return nil, fmt.Errorf("mediafile: Ogg: %w", err)
	}
	return ogg{reader}, nil
}

type ogg struct{ reader *oggreader.OggReader }

// Next implements Frames.
func (o ogg) Next() ([]byte, error) {
	for {
		packet, head, err := o.reader.ParseNextPage()
		if err != nil {
			return nil, err
		}
		if _, isHeader := head.HeaderType(packet); !isHeader && len(packet) > 0 {
			return packet, nil
		}
	}
}
