package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/bus"
	"github.com/sluicelive/sluice/internal/dvr"
	"github.com/sluicelive/sluice/internal/eventkey"
	"github.com/sluicelive/sluice/internal/ffmpeg"
	"github.com/sluicelive/sluice/internal/httpd"
	"github.com/sluicelive/sluice/internal/live"
	"github.com/sluicelive/sluice/internal/origin"
	"github.com/sluicelive/sluice/internal/ui"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// netFlags say where the server listens and how it is found.
type netFlags struct {
	Listen        string   `help:"Address of the HTTP listener; of HTTPS with --tls-cert or --acme-domain." default:":8080" env:"SLUICE_LISTEN"`
	PublicURL     string   `help:"Address that players and browsers use, if it is not the one they ask for." placeholder:"https://live.example.com" env:"SLUICE_PUBLIC_URL"`
	WebRTCPort    int      `name:"webrtc-port" help:"UDP and TCP port that publishers' media comes in on." default:"8189" env:"SLUICE_WEBRTC_PORT"`
	WebRTCAddress []string `name:"webrtc-address" help:"Public IP addresses or host names to announce to publishers, where the server stands behind NAT." placeholder:"ADDR" env:"SLUICE_WEBRTC_ADDRESS"`
}

type serveCmd struct {
	dataFlags `embed:""`
	netFlags  `embed:""`
	tlsFlags  `embed:""`

	BootstrapKey    string        `help:"Application key that shall exist from the start, for automation; at least 16 characters." placeholder:"KEY" env:"SLUICE_BOOTSTRAP_KEY"`
	ReconnectWindow time.Duration `help:"How long a live stream waits for a publisher that went away." default:"30s" env:"SLUICE_RECONNECT_WINDOW"`
	PrepareTimeout  time.Duration `help:"How long a prepared stream waits for a publisher." default:"5m" env:"SLUICE_PREPARE_TIMEOUT"`
	DVR             time.Duration `name:"dvr" help:"How far back viewers can go. What is more than a minute is kept in the data folder." default:"60s" env:"SLUICE_DVR"`
	Chunk           time.Duration `help:"Length of the chunks and parts that media are delivered in: shorter is sooner, and costs more requests." default:"133ms" env:"SLUICE_CHUNK"`
	FFmpeg          string        `name:"ffmpeg" help:"FFmpeg program." default:"ffmpeg" env:"SLUICE_FFMPEG"`
	Preset          string        `help:"x264 preset: faster costs less, slower looks better." default:"superfast" enum:"ultrafast,superfast,veryfast,faster,fast,medium" env:"SLUICE_PRESET"`
}

// Players want six segments at the least (Apple's HLS authoring specification,
// 8.11); the most bounds the length of playlists.
const (
	minDVR = 6 * sluice.SegmentDuration
	maxDVR = 24 * time.Hour
)

// maxReconnectWindow bounds how long an encoder runs for nobody.
const maxReconnectWindow = 30 * time.Minute

// Validate checks what flags alone can tell.
func (c *serveCmd) Validate() error {
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("--public-url %q is no address; write it like https://live.example.com", c.PublicURL)
		}
		if c.isSecure() && u.Scheme != "https" {
			return fmt.Errorf("--public-url %s leads past HTTPS, which --tls-cert and --acme-domain turn on; begin it with https://", c.PublicURL)
		}
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	}
	if err := c.tlsFlags.Validate(); err != nil {
		return err
	}
	if c.PrepareTimeout < time.Second {
		return fmt.Errorf("--prepare-timeout %v is too short for anybody; use a second or more", c.PrepareTimeout)
	}
	if c.ReconnectWindow < 0 || c.ReconnectWindow > maxReconnectWindow {
		return fmt.Errorf("--reconnect-window %v is out of range; use 0s to %v", c.ReconnectWindow, maxReconnectWindow)
	}
	if c.DVR < minDVR || c.DVR > maxDVR {
		return fmt.Errorf("--dvr %v is out of range; use %v to %v", c.DVR, minDVR, maxDVR)
	}
	if _, err := sluice.NewChunkLength(c.Chunk); err != nil {
		return fmt.Errorf("--chunk: %w", err)
	}
	if c.WebRTCPort < 0 || c.WebRTCPort > 65535 {
		return fmt.Errorf("--webrtc-port %d is no port", c.WebRTCPort)
	}
	return nil
}

// Run opens everything, innermost first, serves until ctx ends, and closes it
// all in the opposite order.
func (c *serveCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	if err := c.checkFFmpeg(ctx, log); err != nil {
		return err
	}
	store, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer shut(log, "database", store)
	eventKeys, err := eventkey.LoadOrCreate(filepath.Join(c.Data, "event.key"))
	if err != nil {
		return err
	}
	firstKey, err := c.firstKey(ctx, store)
	if err != nil {
		return err
	}
	front, err := c.openFront(ctx, log)
	if err != nil {
		return err
	}
	defer shut(log, "HTTP listener", front)
	ingest, err := webrtc.Listen(ctx, webrtc.Config{Port: c.WebRTCPort, Addresses: c.WebRTCAddress, Log: log})
	if err != nil {
		return err
	}
	defer shut(log, "WebRTC listener", ingest)

	archive, err := c.openDVR()
	if err != nil {
		return err
	}
	if archive != nil {
		defer shut(log, "DVR folder", archive)
	}
	chunk, err := sluice.NewChunkLength(c.Chunk)
	if err != nil {
		return err
	}
	events := bus.New(time.Now)
	streams := live.New(live.Config{
		Store: store, Ingest: ingest, Bus: events,
		FFmpeg: c.FFmpeg, Preset: c.Preset, Chunk: chunk, Window: c.DVR, DVR: archive,
		ReconnectWindow: c.ReconnectWindow, PrepareTimeout: c.PrepareTimeout,
		Log: log,
	})
	defer streams.Close()
	if err := streams.Recover(ctx); err != nil {
		return fmt.Errorf("close the streams of the last run: %w", err)
	}
	media := origin.New(origin.Config{Presentations: streams, PublicURL: front.publicURL(), Log: log})
	calls := api.New(api.Config{ //nolint:contextcheck // Close ends it, after the last request
		Store: store, Live: streams, Bus: events, EventKeys: eventKeys,
		PublicURL: c.PublicURL, Viewers: media.Viewers, Now: time.Now, Log: log,
	})
	defer calls.Close()
	c.greet(out, front.url(), firstKey)
	log.Info("serving", "addr", front.listener.Addr(), "version", version)
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	beside.Go(func() { trimMemory(ctx) })
	return front.run(ctx, httpd.Config{
		API: calls, Origin: media, UI: ui.Handler(),
		Ready: func(ctx context.Context) error { _, err := store.Accounts(ctx); return err },
		Drain: func(context.Context) { streams.Close(); events.Close() },
		Log:   log,
	})
}

// openDVR opens the folder for what of the window memory does not hold; nil when
// it holds all.
func (c *serveCmd) openDVR() (*dvr.Store, error) {
	if c.DVR <= sluice.WindowDuration {
		return nil, nil //nolint:nilnil // no folder is no fault
	}
	return dvr.Open(filepath.Join(c.Data, "dvr"))
}

// checkFFmpeg fails with what to do when FFmpeg cannot encode what is needed.
func (c *serveCmd) checkFFmpeg(ctx context.Context, log *slog.Logger) error {
	have, err := ffmpeg.Probe(ctx, c.FFmpeg)
	if err != nil {
		return fmt.Errorf("FFmpeg cannot be run (%w); install it (apt-get install ffmpeg) or name it with --ffmpeg", err)
	}
	if len(have.Missing) > 0 {
		return fmt.Errorf("FFmpeg %s lacks %s; install a complete build (apt-get install ffmpeg)",
			have.Version, strings.Join(have.Missing, ", "))
	}
	log.Debug("FFmpeg found", "version", have.Version)
	return nil
}

// firstKey makes sure that there is a key: the bootstrap key when one is given,
// otherwise a new one at the very first start, whose text it returns to be shown.
func (c *serveCmd) firstKey(ctx context.Context, store sluice.AccountStore) (string, error) {
	keys, err := store.Keys(ctx, sluice.AnyAccount)
	if err != nil || c.BootstrapKey == "" && len(keys) > 0 {
		return "", err
	}
	account, err := accountNamed(ctx, store, "default", time.Now())
	if err != nil {
		return "", err
	}
	if c.BootstrapKey == "" {
		key, text := sluice.NewKey(account, "first", time.Now())
		return text, store.CreateKey(ctx, account, key)
	}
	key, err := sluice.KeyFromText(account, "bootstrap", c.BootstrapKey, time.Now())
	if err != nil {
		return "", err
	}
	switch have, err := store.Key(ctx, sluice.AnyAccount, key.ID); {
	case errors.Is(err, sluice.ErrKeyNotFound):
		return "", store.CreateKey(ctx, account, key)
	case err != nil:
		return "", err
	case !have.Accepts(c.BootstrapKey):
		return "", errors.New("the bootstrap key was revoked, or is another one under the same id; set a new one")
	}
	return "", nil
}

// greet says where to go: the one thing a newcomer needs to read.
func (c *serveCmd) greet(out terminal, base, firstKey string) {
	out.printf("\n  Sluice %s\n\n  Studio      %s/\n  Watch       %s/watch/{stream}\n  API         %s/docs\n", version, base, base, base)
	if firstKey != "" {
		out.printf("\n  Your first application key, shown only now:\n\n    %s\n\n  Paste it into the studio. More: sluice key create\n", firstKey)
	}
	out.printf("\n")
}
