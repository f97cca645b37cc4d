package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
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
	"github.com/sluicelive/sluice/internal/sqldb"
	"github.com/sluicelive/sluice/internal/ui"
	"github.com/sluicelive/sluice/internal/webrtc"
)

// netFlags say where the server listens and how it is found.
type netFlags struct {
	Listen        string   `help:"Address of the HTTP listener; of HTTPS with --tls-cert or --acme-domain." default:":8080" env:"SLUICE_LISTEN"`
	PublicURL     string   `help:"Address that players and browsers use, if it is not the one they ask for." placeholder:"https://live.example.com" env:"SLUICE_PUBLIC_URL"`
	WebRTCPort    int      `name:"webrtc-port" help:"UDP and TCP port that publishers' media comes in on." default:"8189" env:"SLUICE_WEBRTC_PORT"`
	WebRTCAddress []string `name:"webrtc-address" help:"Public IP addresses or host names to announce to publishers instead of those of the interfaces, where the server stands behind NAT. Names are resolved again every minute." placeholder:"ADDR" env:"SLUICE_WEBRTC_ADDRESS"`

	WebRTCListen             string `name:"webrtc-listen" help:"The one IP address that publishers' media comes in on. Default: those of all interfaces." placeholder:"ADDR" env:"SLUICE_WEBRTC_LISTEN"`
	WebRTCAnnounceInterfaces bool   `name:"webrtc-announce-interfaces" help:"Announce the interfaces' addresses in addition to --webrtc-address, for publishers on the same network." env:"SLUICE_WEBRTC_ANNOUNCE_INTERFACES"`
}

type serveCmd struct {
	dataFlags  `embed:""`
	netFlags   `embed:""`
	tlsFlags   `embed:""`
	limitFlags `embed:""`

	quotaFlags     `embed:""`
	bootstrapFlags `embed:""`

	EventKeyMax     time.Duration `name:"event-key-max" help:"Longest life that event keys may be asked to have." default:"24h" env:"SLUICE_EVENT_KEY_MAX"`
	ReconnectWindow time.Duration `help:"How long a live stream waits for a publisher that went away." default:"30s" env:"SLUICE_RECONNECT_WINDOW"`
	PrepareTimeout  time.Duration `help:"How long a prepared stream waits for a publisher." default:"5m" env:"SLUICE_PREPARE_TIMEOUT"`
	DVR             time.Duration `name:"dvr" help:"How far back viewers can go. What is more than a minute is kept in the data folder." default:"60s" env:"SLUICE_DVR"`
	Chunk           time.Duration `help:"Length of the chunks and parts that media are delivered in: shorter is sooner, and costs more requests." default:"133ms" env:"SLUICE_CHUNK"`
	FFmpeg          string        `name:"ffmpeg" help:"FFmpeg program." default:"ffmpeg" env:"SLUICE_FFMPEG"`
	MemoryLimit     int64         `help:"Megabytes (MiB) of memory that the server tries to stay within, FFmpeg not counted. 0: what GOMEMLIMIT says, or else half of what its container or the machine has." default:"0" env:"SLUICE_MEMORY_LIMIT"`
	Preset          string        `help:"x264 preset: faster costs less, slower looks better." default:"superfast" enum:"ultrafast,superfast,veryfast,faster,fast,medium" env:"SLUICE_PRESET"`

	wall func() time.Time // the system clock; time.Now when nil
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
	if err := errors.Join(c.tlsFlags.Validate(), c.limitFlags.Validate()); err != nil {
		return err
	}
	if err := c.bootstrapFlags.Validate(); err != nil {
		return err
	}
	if c.EventKeyMax < time.Minute || c.EventKeyMax > eventkey.MaxExpiry {
		return fmt.Errorf("--event-key-max %v is out of range; use %v to %v", c.EventKeyMax, time.Minute, eventkey.MaxExpiry)
	}
	if err := c.quotaFlags.Validate(); err != nil {
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
	if c.MemoryLimit < 0 || c.MemoryLimit > maxMemoryLimit {
		return fmt.Errorf("--memory-limit %d is out of range; use 1 to %d, in megabytes, or 0 to derive it", c.MemoryLimit, int64(maxMemoryLimit))
	}
	if c.WebRTCPort < 0 || c.WebRTCPort > 65535 {
		return fmt.Errorf("--webrtc-port %d is no port", c.WebRTCPort)
	}
	_, err := c.webrtcListen()
	return err
}

// Run opens everything, innermost first, serves until ctx ends, and closes it
// all in the opposite order.
func (c *serveCmd) Run(ctx context.Context, log *slog.Logger, out terminal) error {
	confinement, err := c.checkFFmpeg(ctx, log)
	if err != nil {
		return err
	}
	c.limitMemory(log)
	keepPrivate(log)
	edge, err := c.openEdge(log)
	if err != nil {
		return err
	}
	store, given, err := c.openStore(ctx, log)
	if err != nil {
		return err
	}
	defer shut(log, "database", store)
	eventKeys, err := eventkey.LoadOrCreate(c.eventKeyFile())
	if err != nil {
		return err
	}
	eventKeys.Longest, eventKeys.Log = c.EventKeyMax, log
	front, err := c.openFront(ctx, log)
	if err != nil {
		return err
	}
	defer shut(log, "HTTP listener", front)
	ingest, err := webrtc.Listen(ctx, c.ingest(edge.unproven, log))
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
	wall := c.wall
	if wall == nil {
		wall = time.Now
	}
	now := sluice.NewServerClock(wall)
	events := bus.New(now)
	streams := live.New(live.Config{
		Store: store, Ingest: ingest, Bus: events,
		FFmpeg: c.FFmpeg, Confinement: confinement, Preset: c.Preset, Chunk: chunk, Window: c.DVR, DVR: archive,
		ReconnectWindow: c.ReconnectWindow, PrepareTimeout: c.PrepareTimeout,
		MaxPrepared: c.MaxPrepared, MaxStreams: c.MaxStreams,
		Now: now, Log: log,
	})
	defer streams.Close()
	if err := streams.Recover(ctx); err != nil {
		return fmt.Errorf("close the streams of the last run: %w", err)
	}
	// Nothing fails from here to the greeting: a first key that is made is seen.
	firstKey, keyFile, err := c.firstKey(ctx, store, given, out)
	if err != nil {
		return err
	}
	media := origin.New(origin.Config{Presentations: streams, PublicURL: front.publicURL(), Host: front.host(), Limits: edge.media, Now: now, Log: log})
	calls := api.New(api.Config{ //nolint:contextcheck // Close ends it, after the last request
		Store: store, Live: streams, Bus: events, EventKeys: eventKeys,
		PublicURL: c.PublicURL, Host: front.host(), Viewers: media.Viewers, EventLimits: edge.events, MaxCreations: c.MaxCreations, Now: now, Log: log,
	})
	defer calls.Close()
	c.greet(out, front.url(), firstKey, keyFile)
	front.warnOfHosts(log)
	log.Info("serving", "addr", front.listener.Addr(), "version", version)
	// What else must work for the server to be ready goes into this list.
	ready := newReadiness(time.Now, check{"database", store.Ping}, check{"ingest", ingest.Check})
	return front.run(ctx, httpd.Config{
		API: calls, Origin: media, UI: ui.Handler(),
		Ready:       ready.ready,
		Drain:       func(context.Context) { streams.Close(); events.Close() },
		Connections: edge.connections, Bodies: edge.bodies, Trusted: edge.trusted,
		Log: log,
	})
}

// openStore opens the store, and finds out whether the bootstrap key may be used
// with it, before anything else is opened or stored.
func (c *serveCmd) openStore(ctx context.Context, log *slog.Logger) (*sqldb.DB, bootstrapKey, error) {
	text, err := c.text()
	if err != nil {
		return nil, bootstrapKey{}, err
	}
	store, err := c.open(ctx, log)
	if err != nil {
		return nil, bootstrapKey{}, err
	}
	given, err := findBootstrap(ctx, store, text)
	if err != nil {
		shut(log, "database", store)
		return nil, bootstrapKey{}, err
	}
	return store, given, nil
}

// openDVR opens the folder for what of the window memory does not hold; nil when
// it holds all.
func (c *serveCmd) openDVR() (*dvr.Store, error) {
	if c.DVR <= sluice.WindowDuration {
		return nil, nil //nolint:nilnil // no folder is no fault
	}
	return dvr.Open(filepath.Join(c.Data, "dvr"))
}

// checkFFmpeg fails with what to do when FFmpeg cannot encode what is needed, and
// returns what it is confined in.
func (c *serveCmd) checkFFmpeg(ctx context.Context, log *slog.Logger) (ffmpeg.Confinement, error) {
	have, err := ffmpeg.Probe(ctx, c.FFmpeg)
	if err != nil {
		return ffmpeg.Confinement{}, fmt.Errorf("FFmpeg cannot be run (%w); install it (apt-get install ffmpeg) or name it with --ffmpeg", err)
	}
	if len(have.Missing) > 0 {
		return ffmpeg.Confinement{}, fmt.Errorf("FFmpeg %s lacks %s; install a complete build (apt-get install ffmpeg)",
			have.Version, strings.Join(have.Missing, ", "))
	}
	log.Debug("FFmpeg found", "version", have.Version)
	confinement, missing := ffmpeg.Confine(ctx, c.FFmpeg)
	if len(missing) > 0 {
		log.Warn("FFmpeg, which reads what strangers send, is confined less than it could be", "missing", strings.Join(missing, "; "))
	}
	return confinement, nil
}
