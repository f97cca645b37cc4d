package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/sluicelive/sluice"
	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/budget"
	"github.com/sluicelive/sluice/internal/clientaddr"
	"github.com/sluicelive/sluice/internal/httpd"
	"github.com/sluicelive/sluice/internal/origin"
)

// limitFlags bound what viewers can take of the server. Zero derives a limit from
// how many files the process may have open.
type limitFlags struct {
	MaxConnections            int      `help:"Most HTTP connections at once. 0 derives it from the limit of open files, of which live streams keep a reserve." default:"0" env:"SLUICE_MAX_CONNECTIONS"`
	MaxConnectionsPerAddress  int      `help:"Most HTTP connections of one client address, or of one /64 network of IPv6. 0: half of all, 4096 at most." default:"0" env:"SLUICE_MAX_CONNECTIONS_PER_ADDRESS"`
	MaxEventStreams           int      `help:"Most event streams at once. 0: half as many as connections." default:"0" env:"SLUICE_MAX_EVENT_STREAMS"`
	MaxEventStreamsPerAddress int      `help:"Most event streams of one client address. 0: three eighths of its connections." default:"0" env:"SLUICE_MAX_EVENT_STREAMS_PER_ADDRESS"`
	MaxEventStreamsPerStream  int      `help:"Most event streams of one stream. 0: as many as of all." default:"0" env:"SLUICE_MAX_EVENT_STREAMS_PER_STREAM"`
	MaxWaiting                int      `help:"Most requests that wait for media at once. 0: three eighths as many as connections." default:"0" env:"SLUICE_MAX_WAITING"`
	MaxWaitingPerAddress      int      `help:"Most requests of one client address that wait for media. 0: half as many as its connections." default:"0" env:"SLUICE_MAX_WAITING_PER_ADDRESS"`
	TrustedProxy              []string `help:"Addresses, or ranges of them, of proxies that say in X-Forwarded-For or Forwarded for whom they ask." placeholder:"CIDR" env:"SLUICE_TRUSTED_PROXY"`
}

// Validate checks what flags alone can tell.
func (f *limitFlags) Validate() error {
	for _, limit := range []struct {
		flag  string
		value int
	}{
		{"--max-connections", f.MaxConnections},
		{"--max-connections-per-address", f.MaxConnectionsPerAddress},
		{"--max-event-streams", f.MaxEventStreams},
		{"--max-event-streams-per-address", f.MaxEventStreamsPerAddress},
		{"--max-event-streams-per-stream", f.MaxEventStreamsPerStream},
		{"--max-waiting", f.MaxWaiting},
		{"--max-waiting-per-address", f.MaxWaitingPerAddress},
	} {
		if limit.value < 0 {
			return fmt.Errorf("%s %d is out of range; use 1 or more, or 0 to derive it", limit.flag, limit.value)
		}
	}
	if _, err := clientaddr.ParseProxies(f.TrustedProxy); err != nil {
		return fmt.Errorf("--trusted-proxy %w", err)
	}
	return nil
}

// limits is how much of everything there may be.
type limits struct {
	files   int // open files that the process may have
	reserve int // of them, for live streams: what strangers open is not among these

	connections, connectionsPerAddress   int
	dvrFiles, dvrFilesPerAddress         int
	unproven                             int // TCP connections to the WebRTC port that have not shown a session
	events, eventsPerAddress, eventsEach int
	waiting, waitingPerAddress           int
	bodies, bodiesPerAddress             int
}

const (
	// A live stream takes some 20 descriptors: FFmpeg's pipes, files of the DVR that
	// are written. The database, the listeners and ICE-TCP of publishers take more.
	minReserve, maxReserve = 128, 4096
	// Of what strangers may open a fifth is for segments that are read from files,
	// and a tenth for connections that may become a publisher's.
	dvrShare, maxDVRFiles      = 5, 2048
	unprovenShare, maxUnproven = 10, 1024
	// maxConnections bounds memory, at some 30 kB each.
	maxConnections = 32768
	minConnections = 16
	// maxPerAddress is a conference hall: hundreds of viewers behind one address,
	// with up to six connections each.
	maxPerAddress = 4096
	// A client sends a body in one go; more than a few at a time are slow on purpose.
	maxBodies, maxBodiesPerAddress = 1024, 64
)

// derive fills in what the flags leave open. What one address may hold for long is
// less than its connections, so that it can lock out neither others nor itself.
func (f *limitFlags) derive(files int) limits {
	l := limits{files: files, reserve: min(max(minReserve, files*3/8), maxReserve)}
	others := max(files-l.reserve, 0)
	l.dvrFiles = min(max(others/dvrShare, 1), maxDVRFiles)
	l.dvrFilesPerAddress = max(l.dvrFiles/2, 1)
	l.unproven = min(max(others/unprovenShare, 1), maxUnproven)
	rest := others - l.dvrFiles - l.unproven - httpd.MaxLingering
	l.connections = or(f.MaxConnections, min(max(rest, minConnections), maxConnections))
	l.connectionsPerAddress = or(f.MaxConnectionsPerAddress, min(max(l.connections/2, 1), maxPerAddress))
	l.events = or(f.MaxEventStreams, max(l.connections/2, 1))
	l.eventsPerAddress = or(f.MaxEventStreamsPerAddress, max(l.connectionsPerAddress*3/8, 1))
	l.eventsEach = or(f.MaxEventStreamsPerStream, l.events)
	l.waiting = or(f.MaxWaiting, max(l.connections*3/8, 1))
	l.waitingPerAddress = or(f.MaxWaitingPerAddress, max(l.connectionsPerAddress/2, 1))
	l.bodies = min(max(l.connections/16, 1), maxBodies)
	l.bodiesPerAddress = min(max(l.connectionsPerAddress/16, 1), maxBodiesPerAddress)
	return l
}

// overdrawn says what could be open when that is more than there may be, and how
// to mend it: strangers could then open files of the reserve. Both are empty
// otherwise.
func (l limits) overdrawn() (what, remedy string) {
	others := httpd.MaxLingering + l.dvrFiles + l.unproven + l.reserve
	sum := l.connections + others
	if sum <= l.files {
		return "", ""
	}
	what = fmt.Sprintf("%d open files can be needed and %d are allowed: %d for connections, %d for connections that are closing, "+
		"%d for segments sent from files, %d for TCP connections that have not shown a session, %d kept for live streams",
		sum, l.files, l.connections, httpd.MaxLingering, l.dvrFiles, l.unproven, l.reserve)
	remedy = fmt.Sprintf("raise the limit of open files to %d (LimitNOFILE in systemd, ulimit -n in a shell)", sum)
	if room := l.files - others; room >= minConnections {
		remedy += fmt.Sprintf(", or lower --max-connections to %d", room)
	}
	return what, remedy
}

func or(given, derived int) int {
	if given > 0 {
		return given
	}
	return derived
}

// String says in one line what there may be.
func (l limits) String() string {
	return fmt.Sprintf("open files %d, of which %d are kept for live streams; connections %d, %d of one address; "+
		"event streams %d, %d of one address; waiting requests %d, %d of one address; request bodies %d, %d of one address; segments sent from files %d, %d of one address; "+
		"TCP connections that have not shown a session %d",
		l.files, l.reserve, l.connections, l.connectionsPerAddress,
		l.events, l.eventsPerAddress, l.waiting, l.waitingPerAddress, l.bodies, l.bodiesPerAddress, l.dvrFiles, l.dvrFilesPerAddress, l.unproven)
}

// edge is the budgets of both HTTP edges.
type edge struct {
	trusted     clientaddr.Proxies
	connections *httpd.Connections
	bodies      *budget.Budget[netip.Addr]
	events      api.EventLimits
	media       origin.Limits
	unproven    int // TCP connections to the WebRTC port that have not shown a session
}

const budgetRetry = 5 * time.Second

// openEdge raises the limit of open files and makes the budgets that follow.
func (f *limitFlags) openEdge(log *slog.Logger) (*edge, error) {
	files, err := raiseFileLimit()
	if err != nil {
		log.Warn("cannot raise the limit of open files", "files", files, "err", err)
	}
	l := f.derive(files)
	log.Info("limits", "files", l.files, "reserve", l.reserve, "connections", l.connections, "connectionsPerAddress", l.connectionsPerAddress,
		"eventStreams", l.events, "waiting", l.waiting, "bodies", l.bodies, "segmentFiles", l.dvrFiles, "unprovenTCP", l.unproven)
	if what, remedy := l.overdrawn(); what != "" {
		log.Warn("live streams can lack open files", "limits", what, "hint", remedy)
	}
	trusted, err := clientaddr.ParseProxies(f.TrustedProxy)
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxy %w", err)
	}
	byAddress := func(name, code string, total, perAddress int, raise, raisePerAddress string) *budget.Budget[netip.Addr] {
		return budget.New[netip.Addr](budget.Config{
			Name: name, Total: total, PerKey: perAddress, Code: "too_many_" + code, Share: "too_many_" + code + "_of_address",
			RaiseTotal: raise, RaisePerKey: raisePerAddress, RetryAfter: budgetRetry, Now: time.Now, Log: log,
		})
	}
	const openFiles = "the limit of open files"
	return &edge{
		trusted: trusted, unproven: l.unproven,
		connections: httpd.NewConnections(httpd.ConnectionLimits{
			Total: l.connections, PerAddress: l.connectionsPerAddress, Trusted: trusted, Now: time.Now, Log: log,
		}),
		bodies: byAddress("requests whose body is arriving", "bodies", l.bodies, l.bodiesPerAddress, "--max-connections", "--max-connections-per-address"),
		events: api.EventLimits{
			ByAddress: byAddress("event streams", "event_streams", l.events, l.eventsPerAddress, "--max-event-streams", "--max-event-streams-per-address"),
			ByStream: budget.New[sluice.StreamID](budget.Config{
				Name: "event streams of this stream", PerKey: l.eventsEach, Code: "too_many_event_streams", Share: "too_many_event_streams_of_stream",
				RaisePerKey: "--max-event-streams-per-stream", RetryAfter: budgetRetry, Now: time.Now, Log: log,
			}),
		},
		media: origin.Limits{
			Waiting: byAddress("requests that wait for media", "waiting", l.waiting, l.waitingPerAddress, "--max-waiting", "--max-waiting-per-address"),
			Files:   byAddress("segments sent from files", "files", l.dvrFiles, l.dvrFilesPerAddress, openFiles, openFiles),
		},
	}, nil
}
