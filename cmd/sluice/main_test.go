package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluicelive/sluice/internal/certs/certstest"
	"github.com/sluicelive/sluice/internal/ffmpeg"
)

// TestMain is the program itself in processes that a test starts with asProgram.
func TestMain(m *testing.M) {
	if status, asked := ffmpeg.RunConfined(os.Args, os.Environ()); asked {
		os.Exit(status)
	}
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m, certstest.Lasting()...)
}

const asProgram = "SLUICE_TEST_AS_PROGRAM"

// command runs a command line to its end.
func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // should it serve instead of failing
	defer cancel()
	status = run(ctx, args, &out, &log)
	return status, out.String(), log.String()
}

func TestCommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		status int
		says   string // in either output
	}{
		"version":                 {[]string{"version"}, 0, "sluice devel"},
		"help":                    {[]string{"--help"}, 0, "Run the server."},
		"help of a command":       {[]string{"serve", "--help"}, 0, "SLUICE_WEBRTC_PORT"},
		"no command":              {nil, 2, "try: sluice --help"},
		"no such command":         {[]string{"sing"}, 2, "sing"},
		"publish without key":     {[]string{"publish"}, 2, "--key"},
		"bad public address":      {[]string{"serve", "--public-url", "live.example.com"}, 2, "write it like https://"},
		"bad reconnect window":    {[]string{"serve", "--reconnect-window", "2h"}, 2, "use 0s to 30m"},
		"bad bound":               {[]string{"serve", "--max-prepared=-1"}, 2, "no bound"},
		"bad port":                {[]string{"serve", "--webrtc-port", "70000"}, 2, "is no port"},
		"bad address for media":   {[]string{"serve", "--webrtc-listen", "eth0"}, 2, "is no IP address"},
		"no such file":            {[]string{"publish", "--key", "k", "/nowhere.mp4"}, 2, "nowhere.mp4"},
		"load test of no address": {[]string{"loadtest", "live.example.com"}, 2, "write it like https://"},
		"load test of nobody":     {[]string{"loadtest", "http://localhost:1/x", "--viewers", "0"}, 2, "use 1 to 20000"},
		"load test of no time":    {[]string{"loadtest", "http://localhost:1/x", "--duration", "0s"}, 2, "more than 0"},
		"load test of nothing":    {[]string{"loadtest", "http://127.0.0.1:1/x"}, 1, "connection refused"},
		"no FFmpeg":               {[]string{"serve", "--ffmpeg", "/nowhere/ffmpeg"}, 1, "apt-get install ffmpeg"},
		"no data folder":          {[]string{"serve", "--data", "/proc/none"}, 1, "give another with --data"},
		"keys of nothing":         {[]string{"key", "list", "--data", "/proc/none"}, 1, "start the server once"},
		"no secret to rotate":     {[]string{"key", "rotate-events", "--data", "/proc/none"}, 1, "start the server once"},
		"backup of nothing":       {[]string{"backup", "--data", "/proc/none", "/proc/none/file"}, 1, "start the server once"},
		"backup to nowhere":       {[]string{"backup"}, 2, "<file>"},
		"two bootstrap keys":      {[]string{"serve", "--bootstrap-key", "k", "--bootstrap-key-file", "f"}, 2, "give one"},
		"bad life of event keys":  {[]string{"serve", "--event-key-max", "25h"}, 2, "use 1m0s to 24h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := command(t, tc.args...)
			require.Equal(t, tc.status, status, stderr)
			require.Contains(t, stdout+stderr, tc.says)
		})
	}
}

func TestKeys(t *testing.T) {
	data := t.TempDir()
	db, err := (dataFlags{Data: data}).open(t.Context(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	status, text, stderr := command(t, "key", "create", "--data", data, "--name", "shop")
	require.Zero(t, status, stderr)
	text = strings.TrimSpace(text)
	require.Regexp(t, `^sluice_[a-z2-7]{8}_[a-z2-7]{32}$`, text)

	_, list, _ := command(t, "key", "list", "--data", data)
	require.Contains(t, list, "shop")
	require.NotContains(t, list, text, "a secret is shown once")

	id := strings.Split(text, "_")[1]
	status, _, stderr = command(t, "key", "revoke", "--data", data, "nosuchid")
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "sluice key list")
	status, answer, _ := command(t, "key", "revoke", "--data", data, id)
	require.Zero(t, status)
	require.Contains(t, answer, "is revoked")
}

func TestConfigurationFile(t *testing.T) {
	for name, tc := range map[string]struct{ yaml, says string }{
		"a setting of a command":  {"log-level: warn\nserve:\n  webrtc-port: 70000\n", "--webrtc-port 70000 is no port"},
		"a misspelled setting":    {"serve:\n  web-rtc-port: 1\n", "serve.web-rtc-port is no setting"},
		"a setting out of place":  {"webrtc-port: 1\n", "webrtc-port is no setting"},
		"a command that is a key": {"serve: yes\n", "serve is no setting"},
		"no YAML":                 {"serve: [", "configuration file"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sluice.yml")
			require.NoError(t, os.WriteFile(file, []byte(tc.yaml), 0o600))
			status, _, stderr := command(t, "--config", file, "serve", "--data", t.TempDir())
			require.Equal(t, 2, status)
			require.Contains(t, stderr, tc.says)
		})
	}
}

func TestDoctor(t *testing.T) {
	data, port := t.TempDir(), strconv.Itoa(freePort(t))
	healthy := []string{"doctor", "--data", data, "--listen", "127.0.0.1:" + port, "--webrtc-port", port}
	status, stdout, stderr := command(t, healthy...)
	require.Zero(t, status, stdout+stderr)
	require.NotContains(t, stdout, "FAIL")
	require.Contains(t, stdout, "is confined")

	taken, err := net.Listen("tcp", "127.0.0.1:"+port) //nolint:noctx // one listener of a test
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	status, stdout, stderr = command(t, append(healthy, "--ffmpeg", "/nowhere/ffmpeg")...)
	require.Equal(t, 1, status)
	require.Contains(t, stdout, "FAIL  HTTP")
	require.Contains(t, stdout, "apt-get install ffmpeg")
	require.Contains(t, stderr, "checks failed")
}

// TestServe starts the server as a newcomer does and stops it as a supervisor
// does.
func TestServe(t *testing.T) {
	data, port := t.TempDir(), freePort(t)
	start := func() (greeting *output, stop func() int) {
		ctx, cancel := context.WithCancel(context.Background())
		greeting = &output{}
		status := make(chan int, 1)
		go func() {
			status <- run(ctx, []string{
				"serve", "--data", data,
				"--listen", "127.0.0.1:" + strconv.Itoa(port), "--webrtc-port", "0",
			}, greeting, io.Discard)
		}()
		require.Eventually(t, func() bool { return get(port, "/readyz", "") == http.StatusOK }, 20*time.Second, 20*time.Millisecond)
		return greeting, func() int { cancel(); return <-status }
	}

	first, stop := start()
	file := filepath.Join(data, "first.key")
	require.Contains(t, first.String(), file, "what is no terminal is told where the first key is")
	require.NotRegexp(t, `sluice_\S+_\S+`, first.String(), "and not the key")
	key := firstKey(t, data)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Contains(t, first.String(), "Studio")
	require.Equal(t, http.StatusOK, get(port, "/v1/streams", key))
	require.Equal(t, http.StatusForbidden, get(port, "/v1/streams", "sluice_wrong_key"))
	require.Equal(t, http.StatusOK, get(port, "/openapi.json", ""))
	require.Equal(t, http.StatusOK, get(port, "/time", ""))
	require.Equal(t, http.StatusNotFound, get(port, "/streams/1/master.m3u8", ""))
	require.Zero(t, stop())

	second, stop := start()
	require.NotContains(t, second.String(), "application key", "and only the first")
	require.Equal(t, http.StatusOK, get(port, "/v1/streams", key), "it is kept")

	status, _, stderr := command(t, "key", "rotate-events", "--data", data)
	require.Zero(t, status, stderr)
	require.FileExists(t, filepath.Join(data, "event.key.old"))
	backup := filepath.Join(t.TempDir(), "backup.db")
	status, answer, stderr := command(t, "backup", "--data", data, backup)
	require.Zero(t, status, stderr)
	require.Contains(t, answer, "1 accounts, 1 keys and 0 streams")
	status, _, stderr = command(t, "backup", "--data", data, backup)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "choose another name")
	require.Zero(t, stop())

	require.NoError(t, os.RemoveAll(data))
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.Rename(backup, filepath.Join(data, "sluice.db")))
	_, stop = start()
	require.Equal(t, http.StatusOK, get(port, "/v1/streams", key), "restored")
	require.Zero(t, stop())
}

// firstKey is the key that a server's first start left for its owner.
func firstKey(t *testing.T, data string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(data, "first.key")) //nolint:gosec // G304: this test's own folder
	require.NoError(t, err)
	key := strings.TrimSpace(string(content))
	require.Regexp(t, `^sluice_\S+_\S+$`, key)
	return key
}

// A peer that connects to the media port and never speaks must not hold up a
// supervisor, which kills after a few seconds.
func TestServeStopsWithSilentPeers(t *testing.T) {
	port, mediaPort := freePort(t), freePort(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{
			"serve", "--data", t.TempDir(),
			"--listen", "127.0.0.1:" + strconv.Itoa(port), "--webrtc-port", strconv.Itoa(mediaPort),
		}, io.Discard, io.Discard)
	}()
	require.Eventually(t, func() bool { return get(port, "/readyz", "") == http.StatusOK }, 20*time.Second, 20*time.Millisecond)
	for range 3 {
		peer, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(mediaPort)) //nolint:noctx // one connection of a test
		require.NoError(t, err)
		defer func() { _ = peer.Close() }()
	}
	require.Equal(t, http.StatusOK, get(port, "/readyz", ""))
	cancel()
	select {
	case got := <-status:
		require.Zero(t, got)
	case <-time.After(2 * time.Second):
		t.Fatal("the server waits for peers that say nothing")
	}
}

// get asks a server under test, and returns the status, or 0 when there is none.
func get(port int, path, key string) int {
	req, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(port)+path, http.NoBody) //nolint:noctx // of a test
	if err != nil {
		return 0
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // one listener of a test
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	return number
}

// output is a buffer that one goroutine writes while another reads.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
