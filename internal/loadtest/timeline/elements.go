package timeline

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"time"
)

// The elements and attributes of an MPD that matter here, under the names of the
// standard. A pointer is nil where the MPD does not say.
type (
	mpdElement struct {
		XMLName  xml.Name   `xml:"MPD"`
		Type     string     `xml:"type,attr"`
		Start    string     `xml:"availabilityStartTime,attr"`
		Duration *length    `xml:"mediaPresentationDuration,attr"`
		Update   *length    `xml:"minimumUpdatePeriod,attr"`
		Window   *length    `xml:"timeShiftBufferDepth,attr"`
		Delay    *length    `xml:"suggestedPresentationDelay,attr"`
		Location []string   `xml:"Location"`
		Bases    []baseURL  `xml:"BaseURL"`
		Services []service  `xml:"ServiceDescription"`
		Periods  []period   `xml:"Period"`
		Clocks   []schemeID `xml:"UTCTiming"`
	}

	service struct {
		Latencies []struct {
			Target *uint32 `xml:"target,attr"` // milliseconds
		} `xml:"Latency"`
	}

	schemeID struct {
		Scheme string `xml:"schemeIdUri,attr"`
		Value  string `xml:"value,attr"`
	}

	baseURL struct {
		Value string  `xml:",chardata"`
		Early seconds `xml:"availabilityTimeOffset,attr"`
	}

	period struct {
		Start    *length          `xml:"start,attr"`
		Duration *length          `xml:"duration,attr"`
		Bases    []baseURL        `xml:"BaseURL"`
		Template *segmentTemplate `xml:"SegmentTemplate"`
		Sets     []adaptationSet  `xml:"AdaptationSet"`
	}

	adaptationSet struct {
		ContentType     string           `xml:"contentType,attr"`
		MimeType        string           `xml:"mimeType,attr"`
		Height          uint16           `xml:"height,attr"`
		Bases           []baseURL        `xml:"BaseURL"`
		Template        *segmentTemplate `xml:"SegmentTemplate"`
		Representations []representation `xml:"Representation"`
	}

	representation struct {
		ID        string           `xml:"id,attr"`
		Bandwidth uint32           `xml:"bandwidth,attr"`
		Height    uint16           `xml:"height,attr"`
		MimeType  string           `xml:"mimeType,attr"`
		Bases     []baseURL        `xml:"BaseURL"`
		Template  *segmentTemplate `xml:"SegmentTemplate"`
	}

	segmentTemplate struct {
		Media          string    `xml:"media,attr"`
		Initialization string    `xml:"initialization,attr"`
		Timescale      *uint32   `xml:"timescale,attr"`
		Origin         *uint64   `xml:"presentationTimeOffset,attr"`
		Number         *uint64   `xml:"startNumber,attr"`
		Last           *uint64   `xml:"endNumber,attr"`
		Ticks          *uint64   `xml:"duration,attr"`
		Early          *seconds  `xml:"availabilityTimeOffset,attr"`
		Timeline       *timeline `xml:"SegmentTimeline"`
	}

	timeline struct {
		Runs []struct {
			Start  *uint64 `xml:"t,attr"`
			Ticks  uint64  `xml:"d,attr"`
			Repeat int64   `xml:"r,attr"`
		} `xml:"S"`
	}
)

// seconds is a number of them, which may be INF.
type seconds float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *seconds) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		f = 0
	}
	*s = seconds(f)
	return nil
}

// length is xs:duration, of at most some decades.
type length time.Duration

// maxLength leaves room for sums.
const maxLength = Open / 3

// UnmarshalText implements encoding.TextUnmarshaler. Years and months, whose
// length is nobody's, may not be in an MPD.
func (l *length) UnmarshalText(text []byte) error {
	rest, ok := strings.CutPrefix(string(text), "P")
	days, clock, _ := strings.Cut(rest, "T")
	total, okDays := units(days, map[byte]time.Duration{'D': 24 * time.Hour})
	part, okClock := units(clock, map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second})
	if !ok || !okDays || !okClock {
		return &strconv.NumError{Func: "xs:duration", Num: string(text), Err: strconv.ErrSyntax}
	}
	*l = length(min(total+part, float64(maxLength)))
	return nil
}

// units sums up numbers, each with a unit behind it, in nanoseconds.
func units(text string, known map[byte]time.Duration) (total float64, ok bool) {
	for text != "" {
		i := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if i < 1 {
			return 0, false
		}
		n, err := strconv.ParseFloat(text[:i], 64)
		unit, found := known[text[i]]
		if err != nil || !found {
			return 0, false
		}
		total += n * float64(unit)
		text = text[i+1:]
	}
	return total, true
}
