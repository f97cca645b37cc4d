package loadtest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is what the viewers saw. Times are in seconds.
type Report struct {
	URL       string   `json:"url"`
	Protocol  Protocol `json:"protocol"`
	Rendition string   `json:"rendition"`
	Seconds   float64  `json:"seconds"`

	Viewers  Viewers      `json:"viewers"`
	Startup  *Percentiles `json:"startup"`  // from the first request to a picture
	Latency  *Percentiles `json:"latency"`  // of the playhead behind the live edge; null where the media have no time
	Arrival  *Percentiles `json:"arrival"`  // of a piece of media after its last frame was there
	Stalls   Stalls       `json:"stalls"`   // after the start
	Requests Requests     `json:"requests"` // of all viewers
	Errors   []Errors     `json:"errors"`   // the most frequent first
}

// Viewers are how many came, and how many of these had a picture.
type Viewers struct {
	Started int `json:"started"`
	Played  int `json:"played"`  // ever
	Playing int `json:"playing"` // at the end, or when the stream ended
	Failed  int `json:"failed"`  // never had a picture
}

// Percentiles are of what was seen, in seconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Stalls are how often and how long viewers waited after they had started.
type Stalls struct {
	Count   int     `json:"count"`
	PerHour float64 `json:"per_viewer_hour"`
	Seconds float64 `json:"seconds"`
	Longest float64 `json:"worst_viewer_seconds"` // of one viewer together
}

// Requests are what it took.
type Requests struct {
	Count     int64   `json:"count"`
	PerSecond float64 `json:"per_second"`
	Bytes     int64   `json:"bytes"`
	BytesRate float64 `json:"bytes_per_second"`
}

// Errors are how often a kind of error was seen, and one of them.
type Errors struct {
	Kind    string `json:"kind"`
	Count   int    `json:"count"`
	Example string `json:"example"`
}

// report sums up what the viewers saw in a time.
func (t *test) report(d time.Duration) *Report {
	r := &Report{
		URL: t.config.URL, Protocol: t.config.Protocol, Rendition: t.config.Rendition, Seconds: inSeconds(d),
		Startup: t.tally.startup.sum(), Latency: t.tally.latency.sum(), Arrival: t.tally.arrival.sum(),
		Requests: Requests{Count: t.tally.requests.Load(), Bytes: t.tally.bytes.Load()},
		Errors:   t.tally.errors(),
	}
	r.Requests.PerSecond = float64(r.Requests.Count) / d.Seconds()
	r.Requests.BytesRate = float64(r.Requests.Bytes) / d.Seconds()
	now := time.Now()
	var watched, stalled time.Duration
	for _, v := range t.viewers {
		w, s := v.sumUp(r, now)
		watched, stalled = watched+w, stalled+s
	}
	r.Stalls.Seconds = inSeconds(stalled)
	if watched > 0 {
		r.Stalls.PerHour = float64(r.Stalls.Count) / watched.Hours()
	}
	return r
}

// sumUp adds what one viewer saw to a report, and gives for how long it watched
// and, of that, stood still.
func (v *viewer) sumUp(r *Report, now time.Time) (watched, stalled time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.begun.IsZero() {
		return 0, 0
	}
	r.Viewers.Started++
	if v.player == nil || !v.player.Started() {
		r.Viewers.Failed++
		return 0, 0
	}
	v.player.Advance(now)
	r.Viewers.Played++
	if v.player.Playing() || v.player.Ended() {
		r.Viewers.Playing++
	}
	stalls := v.player.Stalls(now)
	r.Stalls.Count += stalls.Count
	r.Stalls.Longest = max(r.Stalls.Longest, inSeconds(stalls.Total))
	return v.player.Played() + stalls.Total, stalls.Total
}

// errors are all kinds, the most frequent first.
func (t *tally) errors() []Errors {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Errors, 0, len(t.faults))
	for _, e := range t.faults {
		list = append(list, *e)
	}
	slices.SortFunc(list, func(a, b Errors) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}

// Print writes the report as a table.
func (r *Report) Print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // Flush tells
	line("%s of %s, %s, for %.0f s\n", r.Protocol.title(), r.URL, r.Rendition, r.Seconds)
	line("viewers\t%d started, %d played, %d of them at the end; %d never did", r.Viewers.Started, r.Viewers.Played, r.Viewers.Playing, r.Viewers.Failed)
	line("stalls\t%d, %.1f in an hour of a viewer; %.2f s in all, %.2f s of the worst viewer", r.Stalls.Count, r.Stalls.PerHour, r.Stalls.Seconds, r.Stalls.Longest)
	line("requests\t%d, %.1f a second", r.Requests.Count, r.Requests.PerSecond)
	line("received\t%.1f MB, %.2f Mb/s", float64(r.Requests.Bytes)/1e6, r.Requests.BytesRate*8/1e6)
	line("\n\tp50\tp95\tp99\tmax")
	for _, row := range []struct {
		name string
		p    *Percentiles
	}{
		{"start-up", r.Startup},
		{"behind the live edge", r.Latency},
		{"arrival after the last frame", r.Arrival},
	} {
		if row.p == nil {
			line("%s\t–\t–\t–\t–", row.name)
			continue
		}
		line("%s\t%.3f s\t%.3f s\t%.3f s\t%.3f s", row.name, row.p.P50, row.p.P95, row.p.P99, row.p.Max)
	}
	if len(r.Errors) > 0 {
		line("\nerrors\tcount\tthe first of them")
	}
	for _, e := range r.Errors {
		line("%s\t%d\t%s", e.Kind, e.Count, e.Example)
	}
	return w.Flush()
}

func (p Protocol) title() string {
	if p == DASH {
		return "DASH"
	}
	return "HLS"
}
