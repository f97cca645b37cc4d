package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/sluicelive/sluice/internal/loadtest"
)

type loadtestCmd struct {
	URL string `arg:"" name:"url" help:"Address of a multivariant or media playlist, or of an MPD, on any server."`

	Viewers   int           `help:"How many watch." default:"10"`
	Duration  time.Duration `help:"How long they watch, after all have come." default:"30s"`
	Ramp      time.Duration `help:"Time within which they come, one by one; 0 is all at once." default:"0s"`
	Protocol  string        `help:"hls or dash; auto goes by what the address gives." enum:"auto,hls,dash" default:"auto"`
	Rendition string        `help:"What they watch: highest, lowest, or the height or the name of a rendition. Viewers do not change it." default:"highest"`
	Insecure  bool          `help:"Take any certificate."`
	JSON      bool          `name:"json" help:"Print the report as JSON."`
}

// gcPercent lets a load test use some tens of megabytes more for a tenth less of
// the CPU that it shares with the server.
const gcPercent = 400

// maxTestViewers is more than the ports that one address has for connections.
const maxTestViewers = 20_000

// Validate checks what flags alone can tell.
func (c loadtestCmd) Validate() error {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no address; write it like https://live.example.com/streams/1/master.m3u8", c.URL)
	}
	if c.Viewers < 1 || c.Viewers > maxTestViewers {
		return fmt.Errorf("--viewers %d is out of range; use 1 to %d", c.Viewers, maxTestViewers)
	}
	if c.Duration <= 0 || c.Ramp < 0 {
		return errors.New("--duration has to be more than 0, and --ramp not less")
	}
	return nil
}

// Run watches, and prints what was seen.
func (c loadtestCmd) Run(ctx context.Context, out terminal) error {
	protocol := loadtest.Protocol(c.Protocol)
	if c.Protocol == "auto" {
		protocol = ""
	}
	// The garbage of many small requests is cheaper to collect less often.
	debug.SetGCPercent(gcPercent)
	report, err := loadtest.Run(ctx, loadtest.Config{
		URL: c.URL, Viewers: c.Viewers, Duration: c.Duration, Ramp: c.Ramp, Protocol: protocol,
		Rendition: c.Rendition, Insecure: c.Insecure, Agent: "sluice-loadtest/" + version,
	})
	if report == nil {
		return err
	}
	if c.JSON {
		text, failed := json.MarshalIndent(report, "", "  ")
		out.printf("%s\n", text)
		return errors.Join(err, failed)
	}
	return errors.Join(err, report.Print(out))
}
