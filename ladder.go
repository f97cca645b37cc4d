package sluice

import (
	"strconv"
	"strings"
)

// Quality is the height of a stream's top rendition, as the API writes it.
type Quality string

// DefaultQuality is used for a stream that asks for none.
const DefaultQuality Quality = "720"

// Rendition is one rung of a ladder: one encoding of the picture.
type Rendition struct {
	Name    string // its height: the name in file names and manifests
	Width   int    // pixels, even
	Height  int    // pixels, even
	Bitrate int    // bits a second, mean and peak
	Profile string // H.264 profile as FFmpeg names it
	Level   string // H.264 level, Rec. ITU-T H.264 table A-1
}

// AudioBitrate is the rate of the audio rendition, in bits a second.
const AudioBitrate = 128_000

// AudioName names the audio rendition in file names and manifests.
const AudioName = "audio"

// rungs are all renditions there are, lowest first.
var rungs = [...]Rendition{ //nolint:gochecknoglobals // a table that nothing writes
	{Name: "360", Width: 640, Height: 360, Bitrate: 800_000, Profile: "main", Level: "3.0"},
	{Name: "480", Width: 854, Height: 480, Bitrate: 1_350_000, Profile: "main", Level: "3.1"},
	{Name: "720", Width: 1280, Height: 720, Bitrate: 2_500_000, Profile: "high", Level: "3.1"},
	{Name: "1080", Width: 1920, Height: 1080, Bitrate: 4_500_000, Profile: "high", Level: "4.0"},
}

// Ladder is the renditions of a stream, lowest first.
type Ladder []Rendition

// NewLadder is the ladder up to a quality.
func NewLadder(q Quality) (Ladder, error) {
	for i, r := range rungs {
		if r.Name == string(q) {
			return append(Ladder(nil), rungs[:i+1]...), nil
		}
	}
	return nil, Errorf(KindInvalid, "quality_invalid", "quality %s is not offered; use one of %s",
		strconv.Quote(string(q)), strings.Join(Qualities(), ", "))
}

// Qualities are the qualities on offer, lowest first.
func Qualities() []string {
	names := make([]string, len(rungs))
	for i, r := range rungs {
		names[i] = r.Name
	}
	return names
}

// Top is the highest rung.
func (l Ladder) Top() Rendition { return l[len(l)-1] }
