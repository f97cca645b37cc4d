package timeline

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Is reports whether a text may be an MPD.
func Is(text []byte) bool {
	const far = 4096 // comments may come first
	return strings.Contains(string(text[:min(len(text), far)]), "<MPD")
}

// Parse reads the MPD that was loaded from an address.
func Parse(text []byte, from *url.URL) (*Presentation, error) {
	var m mpdElement
	if err := xml.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMPD, err)
	}
	p := &Presentation{Live: m.Type == "dynamic"}
	if p.Live {
		if err := p.readLive(&m, from); err != nil {
			return nil, err
		}
	}
	base := location{url: from}.join(m.Bases)
	for i, period := range m.Periods {
		p.Periods = append(p.Periods, readPeriod(&m, i, base.join(period.Bases)))
		if tracks := p.Periods[i].tracks(); tracks > maxRepresentations {
			return nil, fmt.Errorf("%w: %d representations", ErrMPD, tracks)
		}
	}
	if len(p.Periods) == 0 {
		return nil, fmt.Errorf("%w: it has no period", ErrMPD)
	}
	return p, nil
}

func (p Period) tracks() int { return len(p.Video) + len(p.Audio) }

// readLive reads what only a live MPD says.
func (p *Presentation) readLive(m *mpdElement, from *url.URL) error {
	start, err := dateTime(m.Start)
	if err != nil {
		return fmt.Errorf("%w: availabilityStartTime: %w", ErrMPD, err)
	}
	p.Start = start
	if m.Update != nil {
		p.Update = max(m.Update.duration(), time.Second) // 0 is: as often as it takes
	}
	p.Window = m.Window.duration()
	p.Delay = delay(m)
	if len(m.Location) > 0 {
		if u, err := from.Parse(strings.TrimSpace(m.Location[0])); err == nil {
			p.Next = u.String()
		}
	}
	for _, c := range m.Clocks {
		p.Clocks = append(p.Clocks, clock(c.Scheme, c.Value, from))
	}
	return nil
}

// clock makes a clock's address absolute. Of several the first is taken.
func clock(scheme, value string, from *url.URL) Clock {
	if address := strings.Fields(value); len(address) > 0 && !strings.Contains(scheme, ":direct:") {
		if u, err := from.Parse(address[0]); err == nil {
			value = u.String()
		}
	}
	return Clock{Scheme: scheme, Value: value}
}

// delay is how far from the live edge the MPD wants to be played: by its target
// latency (annex K), else by its suggested presentation delay.
func delay(m *mpdElement) time.Duration {
	for _, s := range m.Services {
		for _, l := range s.Latencies {
			if l.Target != nil {
				return time.Duration(*l.Target) * time.Millisecond
			}
		}
	}
	return m.Delay.duration()
}

// readPeriod reads the ith period. Where it starts and ends may follow from its
// neighbors (section 5.3.2.1).
func readPeriod(m *mpdElement, i int, base location) Period {
	var p Period
	for j, period := range m.Periods[:i+1] {
		if period.Start != nil {
			p.Start = period.Start.duration()
		} else if j > 0 {
			p.Start = min(p.Start+m.Periods[j-1].Duration.duration(), maxLength)
		}
	}
	period := &m.Periods[i]
	switch {
	case period.Duration != nil:
		p.End = p.Start + period.Duration.duration()
	case i+1 < len(m.Periods) && m.Periods[i+1].Start != nil:
		p.End = m.Periods[i+1].Start.duration()
	case i+1 == len(m.Periods) && m.Duration != nil:
		p.End = m.Duration.duration()
	default:
		p.End = Open
	}
	bounds := p
	for _, set := range period.Sets {
		for _, r := range set.Representations {
			t, err := readTrack(bounds, inherit(period.Template, set.Template, r.Template), set.Height, r, base.join(set.Bases).join(r.Bases))
			if err != nil {
				continue // another representation may do
			}
			switch kind(set, r) {
			case "video":
				p.Video = append(p.Video, t)
			case "audio":
				p.Audio = append(p.Audio, t)
			}
		}
	}
	return p
}

// kind is video, audio or another.
func kind(set adaptationSet, r representation) string {
	for _, name := range []string{set.ContentType, set.MimeType, r.MimeType} {
		if name != "" {
			kind, _, _ := strings.Cut(name, "/")
			return kind
		}
	}
	return ""
}

// dateTime reads xs:dateTime, which without a zone is UTC here.
func dateTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", text)
}

// Time reads the answer of an http-xsdate or http-iso clock.
func Time(text string) (time.Time, error) { return dateTime(strings.TrimSpace(text)) }
