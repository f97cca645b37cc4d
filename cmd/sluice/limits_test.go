package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/httpd"
)

func TestDerivedLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		files int
		flags limitFlags
		want  limits // reserve and what follows, without what is bounded by them
	}{
		"a shell's usual limit": {1024, limitFlags{}, limits{
			reserve: 384, connections: 416, connectionsPerAddress: 208, dvrFiles: 128, dvrFilesPerAddress: 64, unproven: 64,
			events: 208, eventsPerAddress: 78, eventsEach: 208, waiting: 156, waitingPerAddress: 104, bodies: 26, bodiesPerAddress: 13,
		}},
		"a server": {1 << 20, limitFlags{}, limits{
			reserve: 4096, connections: 32768, connectionsPerAddress: 4096, dvrFiles: 2048, dvrFilesPerAddress: 1024, unproven: 1024,
			events: 16384, eventsPerAddress: 1536, eventsEach: 16384, waiting: 12288, waitingPerAddress: 2048, bodies: 1024, bodiesPerAddress: 64,
		}},
		"next to nothing": {64, limitFlags{}, limits{
			reserve: 128, connections: 16, connectionsPerAddress: 8, dvrFiles: 1, dvrFilesPerAddress: 1, unproven: 1,
			events: 8, eventsPerAddress: 3, eventsEach: 8, waiting: 6, waitingPerAddress: 4, bodies: 1, bodiesPerAddress: 1,
		}},
		"what is given counts, and what follows from it": {1024, limitFlags{MaxConnections: 100, MaxEventStreamsPerAddress: 50, MaxWaiting: 7}, limits{
			reserve: 384, connections: 100, connectionsPerAddress: 50, dvrFiles: 128, dvrFilesPerAddress: 64, unproven: 64,
			events: 50, eventsPerAddress: 50, eventsEach: 50, waiting: 7, waitingPerAddress: 25, bodies: 6, bodiesPerAddress: 3,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.files = tc.files
			require.Equal(t, tc.want, tc.flags.derive(tc.files))
		})
	}
}

// What one address may hold for long leaves room for its own next request, and
// what all may hold leaves room for others.
func TestLimitsLeaveRoom(t *testing.T) {
	for files := 512; files < 1<<20; files += 509 {
		l := (&limitFlags{}).derive(files)
		require.Less(t, l.eventsPerAddress+l.waitingPerAddress+l.bodiesPerAddress, l.connectionsPerAddress, "%d files", files)
		require.Less(t, l.events+l.waiting+l.bodies, l.connections, "%d files", files)
		require.LessOrEqual(t, l.connections+httpd.MaxLingering+l.dvrFiles+l.unproven, files-l.reserve, "%d files: nothing that strangers open is of the reserve", files)
		require.GreaterOrEqual(t, l.connections, min(files*3/10, maxConnections), "%d files: most are for connections", files)
		require.LessOrEqual(t, 2*l.connectionsPerAddress, l.connections, "%d files", files)
	}
}

// When live streams are left less than their reserve, all that takes part of the
// files is named, and only what helps is advised.
func TestOverdrawnLimits(t *testing.T) {
	most := (&limitFlags{}).derive(4096).connections
	for _, fitting := range []limitFlags{{}, {MaxConnections: most}} {
		what, remedy := fitting.derive(4096).overdrawn()
		require.Empty(t, what+remedy)
	}
	what, remedy := (&limitFlags{MaxConnections: most + 100}).derive(4096).overdrawn()
	require.Contains(t, what, "4196 open files can be needed and 4096 are allowed")
	for _, part := range []string{
		"for connections,", "for connections that are closing", "for segments sent from files", "that have not shown a session", "kept for live streams",
	} {
		require.Contains(t, what, part)
	}
	require.Contains(t, remedy, "raise the limit of open files to 4196")
	require.Contains(t, remedy, fmt.Sprintf("lower --max-connections to %d", most))

	what, remedy = (&limitFlags{}).derive(64).overdrawn()
	require.Contains(t, what, "128 kept for live streams")
	require.NotContains(t, remedy, "--max-connections", "fewer connections do not help")
}

// What a server can hold is told whole, by the doctor and by the log.
func TestLimitsAreTold(t *testing.T) {
	l := (&limitFlags{}).derive(4096)
	require.Contains(t, l.String(), fmt.Sprintf("request bodies %d, %d of one address", l.bodies, l.bodiesPerAddress))
	require.Contains(t, l.String(), fmt.Sprintf("TCP connections that have not shown a session %d", l.unproven))
	var log strings.Builder
	_, err := (&limitFlags{MaxConnections: 1 << 30}).openEdge(slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	for _, want := range []string{"bodies=", "unprovenTCP=", "level=WARN", "for segments sent from files", "lower --max-connections to "} {
		require.Contains(t, log.String(), want)
	}
}

func TestLimitFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"less than nothing":    {[]string{"--max-connections=-1"}, "use 1 or more, or 0 to derive it"},
		"no address":           {[]string{"--trusted-proxy", "nginx"}, "write it like 192.0.2.1"},
		"one bad range of two": {[]string{"--trusted-proxy", "10.0.0.0/8,10.0.0.0/99"}, "10.0.0.0/99"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"serve", "doctor"} {
				status, _, stderr := command(t, append([]string{verb, "--data", t.TempDir()}, tc.args...)...)
				require.Equal(t, 2, status, stderr)
				require.Contains(t, stderr, tc.says)
			}
		})
	}
}

// attacked is the program itself, with a limit of 1,024 open files.
type attacked struct {
	t    *testing.T
	addr string
	log  *output
}

func startAttacked(t *testing.T) *attacked {
	t.Helper()
	a := &attacked{t, "127.0.0.1:" + strconv.Itoa(freePort(t)), &output{}}
	program := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", `ulimit -n 1024; exec "$0" "$@"`, //nolint:gosec // G204: ourselves
		os.Args[0], "serve", "--data", t.TempDir(), "--listen", a.addr, "--webrtc-port", "0", "--bootstrap-key", bootstrap)
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Stdout, program.Stderr = a.log, a.log
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		require.NoError(t, program.Wait(), a.log)
	})
	require.Eventually(t, func() bool { return a.healthy("127.0.0.1") < time.Second }, 20*time.Second, 50*time.Millisecond, a.log)
	return a
}

const bootstrap = "a-key-for-one-test-alone"

// dial connects from an address of this machine.
func (a *attacked) dial(from string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(a.t.Context(), "tcp", a.addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(10 * time.Second))
}

// ask sends a request on a connection and returns the status; 0 is none.
func ask(conn net.Conn, method, path, body string) int {
	_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", method, path, bootstrap, len(body), body)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// healthy is how long a new viewer from an address waits; an hour is for ever.
func (a *attacked) healthy(from string) time.Duration {
	begun := time.Now()
	conn, err := a.dial(from)
	if err != nil {
		return time.Hour
	}
	defer func() { _ = conn.Close() }()
	if ask(conn, http.MethodGet, "/healthz", "") != http.StatusOK {
		return time.Hour
	}
	return time.Since(begun)
}

// S1, S3: with 1,024 descriptors, more hostile connections than that from one
// address leave old and new viewers served, also from that very address.
func TestOneAddressTakesNothingFromOthers(t *testing.T) {
	const hostile, attacker = 1300, "127.0.0.9"
	a := startAttacked(t)
	old, err := a.dial("127.0.0.1")
	require.NoError(t, err)
	defer func() { _ = old.Close() }()
	require.Equal(t, http.StatusOK, ask(old, http.MethodPost, "/v1/streams/create", `{"name":"first"}`))
	for name, tc := range map[string]struct{ request, budget string }{
		"event streams": {"GET /v1/streams/1/events HTTP/1.1\r\nHost: x\r\n\r\n", `budget="event streams"`},
		"slow bodies":   {"POST /v1/streams/create HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n{", `budget="requests whose body is arriving"`},
		"slow headers":  {"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "budget=connections"},
		"silence":       {"", "budget=connections"},
	} {
		t.Run(name, func(t *testing.T) {
			var conns sync.WaitGroup
			var opened atomic.Int32
			done := make(chan struct{})
			places := make(chan struct{}, 32)
			for range hostile {
				places <- struct{}{}
				conns.Go(func() {
					conn, err := a.dial(attacker)
					<-places
					if err != nil {
						return
					}
					defer func() { _ = conn.Close() }()
					_, _ = io.WriteString(conn, tc.request)
					opened.Add(1)
					<-done
				})
			}
			require.Eventually(t, func() bool { return opened.Load() > hostile*9/10 }, 20*time.Second, 10*time.Millisecond)
			require.NoError(t, old.SetDeadline(time.Now().Add(10*time.Second)))
			for range 3 {
				require.Less(t, a.healthy("127.0.0.1"), time.Second)
				require.Less(t, a.healthy(attacker), time.Second, "the attacker's own address")
				require.Equal(t, http.StatusOK, ask(old, http.MethodGet, "/time", ""), "a viewer on its old connection")
			}
			close(done)
			conns.Wait()
			require.Contains(t, a.log.String(), tc.budget)
			require.Contains(t, a.log.String(), "of="+attacker)
		})
	}
	require.Less(t, strings.Count(a.log.String(), "budget used up"), 100, "a line a second of each")
}
