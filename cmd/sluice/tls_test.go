package main

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/certs/certstest"
)

func TestTLSFlags(t *testing.T) {
	good := certstest.NewPair(t, "live.test", time.Now().Add(time.Hour))
	files := []string{"--tls-cert", good.Cert, "--tls-key", good.Key}
	for name, tc := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"a certificate without its key": {[]string{"--tls-cert", good.Cert}, 2, "give both"},
		"a key without its certificate": {[]string{"--tls-key", good.Key}, 2, "give both"},
		"two ways to a certificate":     {append([]string{"--acme-domain", "live.test"}, files...), 2, "give one"},
		"an authority for nothing":      {[]string{"--acme-ca", "https://ca.test/dir"}, 2, "give --acme-domain"},
		"an authority in clear":         {[]string{"--acme-domain", "live.test", "--acme-ca", "http://ca.test/dir"}, 2, "write it like https://"},
		"an address for a name":         {[]string{"--acme-domain", "192.0.2.1"}, 2, "write it like live.example.com"},
		"many names in one":             {[]string{"--acme-domain", "*.live.test"}, 2, "write it like live.example.com"},
		"a name with its scheme":        {[]string{"--acme-domain", "https://live.test"}, 2, "write it like live.example.com"},
		"one bad name of two":           {[]string{"--acme-domain", "live.test,localhost"}, 2, `"localhost"`},
		"in clear only, twice":          {[]string{"--http-listen", ":80"}, 2, "use --listen"},
		"a public address in clear":     {append([]string{"--public-url", "http://live.test"}, files...), 2, "begin it with https://"},
		"no such certificate":           {[]string{"--tls-cert", good.Cert + "x", "--tls-key", good.Key}, 1, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, stderr := command(t, append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--webrtc-port", "0"}, tc.args...)...)
			require.Equal(t, tc.status, status, stderr)
			require.Contains(t, stderr, tc.says)
		})
	}
}

func TestChallengeHost(t *testing.T) {
	for name, c := range map[string]struct{ listen, beside, want string }{
		"all":                {":443", ":80", ""},
		"one listener":       {"203.0.113.5:443", "", "203.0.113.5"},
		"two of one address": {"203.0.113.5:443", "203.0.113.5:80", "203.0.113.5"},
		"two addresses":      {"203.0.113.5:443", "127.0.0.1:8080", ""},
		"one and all":        {"203.0.113.5:443", ":80", ""},
	} {
		t.Run(name, func(t *testing.T) {
			host, err := (&serveCmd{netFlags: netFlags{Listen: c.listen}, tlsFlags: tlsFlags{HTTPListen: c.beside}}).challengeHost()
			require.NoError(t, err)
			require.Equal(t, c.want, host)
		})
	}
}

func TestDoctorLooksAtCertificates(t *testing.T) {
	port := strconv.Itoa(freePort(t))
	for name, tc := range map[string]struct {
		until  time.Duration
		status int
		says   string
	}{
		"in order":       {60 * 24 * time.Hour, 0, "ok    certificate is for live.test, until "},
		"nearly over":    {6 * 24 * time.Hour, 1, "FAIL  certificate is for live.test, until "},
		"over":           {-time.Hour, 1, "its time is over"},
		"ports are free": {60 * 24 * time.Hour, 0, "ok    HTTP port is free: 127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			pair := certstest.NewPair(t, "live.test", time.Now().Add(tc.until))
			status, stdout, _ := command(t, "doctor", "--data", t.TempDir(), "--listen", "127.0.0.1:"+port, "--webrtc-port", port,
				"--http-listen", "127.0.0.1:0", "--tls-cert", pair.Cert, "--tls-key", pair.Key)
			require.Equal(t, tc.status, status, stdout)
			require.Contains(t, stdout, tc.says)
		})
	}
}

// asker is a client that tries HTTP/2 first, and goes nowhere by itself.
type asker struct {
	t *testing.T
	http.Client
}

func newAsker(t *testing.T, config *tls.Config) *asker {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &asker{t, http.Client{
		Transport: transport, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// got is an answer; the zero value is none.
type got struct {
	status, major  int
	location, body string
	certified      []string // the names that the server's certificate is for
}

func (a *asker) ask(method, url, key string) got {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, url, strings.NewReader(`{"name":"first"}`))
	require.NoError(a.t, err)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := a.Do(req)
	if err != nil {
		return got{}
	}
	defer func() { require.NoError(a.t, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	g := got{status: res.StatusCode, major: res.ProtoMajor, location: res.Header.Get("Location"), body: string(body)}
	if res.TLS != nil {
		g.certified = res.TLS.PeerCertificates[0].DNSNames
	}
	return g
}

// TestServeTLS starts the server with a certificate in files, as one who has
// one does.
func TestServeTLS(t *testing.T) {
	pair := certstest.NewPair(t, "live.test", time.Now().Add(time.Hour))
	client := newAsker(t, pair.Trusting(t))
	secure, plain := "127.0.0.1:"+strconv.Itoa(freePort(t)), "127.0.0.1:"+strconv.Itoa(freePort(t))
	ctx, stop := context.WithCancel(t.Context())
	data, greeting, status := t.TempDir(), &output{}, make(chan int, 1)
	go func() {
		status <- run(ctx, []string{
			"serve", "--data", data, "--listen", secure, "--http-listen", plain, "--webrtc-port", "0",
			"--tls-cert", pair.Cert, "--tls-key", pair.Key,
		}, greeting, io.Discard)
	}()
	require.Eventually(t, func() bool {
		return client.ask("GET", "https://"+secure+"/readyz", "").body == "ready\n"
	}, 20*time.Second, 20*time.Millisecond)

	_, port, _ := strings.Cut(secure, ":")
	require.Contains(t, greeting.String(), "Studio      https://live.test:"+port+"/")
	key := firstKey(t, data)
	created := client.ask("POST", "https://"+secure+"/v1/streams/create", key)
	require.Equal(t, http.StatusOK, created.status)
	require.Equal(t, 2, created.major)
	require.Equal(t, http.StatusNotFound, client.ask("GET", "https://"+secure+"/streams/1/master.m3u8", "").status, "not started")

	led := client.ask("GET", "http://"+plain+"/watch/1?protocol=hls", "")
	require.Equal(t, http.StatusPermanentRedirect, led.status)
	require.Equal(t, "https://"+secure+"/watch/1?protocol=hls", led.location)
	refused := client.ask("POST", "http://"+plain+"/v1/streams/create", key)
	require.Equal(t, http.StatusForbidden, refused.status)
	require.Contains(t, refused.body, "https_required")
	require.Equal(t, "ready\n", client.ask("GET", "http://"+plain+"/readyz", "").body)

	stop()
	require.Zero(t, <-status)
}

// TestServeACME starts the program as one does who has nothing but a name.
func TestServeACME(t *testing.T) {
	port, plain := freePort(t), freePort(t)
	authority := certstest.NewAuthority(t, certstest.Ports{TLS: port, HTTP: plain})
	data := t.TempDir()
	log := &output{}
	program := exec.CommandContext(t.Context(), os.Args[0], "serve", "--data", data, //nolint:gosec // G204: ourselves
		"--listen", "127.0.0.1:"+strconv.Itoa(port), "--http-listen", "127.0.0.1:"+strconv.Itoa(plain), "--webrtc-port", "0",
		"--acme-domain", "live.test", "--acme-email", "op@live.test", "--acme-ca", authority.Directory)
	program.Env = append(os.Environ(), asProgram+"=1", "SSL_CERT_FILE="+authority.RootsFile)
	program.Stdout, program.Stderr = log, log
	program.Cancel = func() error { return program.Process.Signal(syscall.SIGTERM) }
	require.NoError(t, program.Start())
	defer func() {
		require.NoError(t, program.Process.Signal(syscall.SIGTERM))
		require.NoError(t, program.Wait(), log)
	}()

	client := newAsker(t, &tls.Config{ServerName: "live.test", InsecureSkipVerify: true}) //nolint:gosec // whose it is, is looked at
	var ready got
	require.Eventually(t, func() bool {
		ready = client.ask("GET", "https://127.0.0.1:"+strconv.Itoa(port)+"/readyz", "")
		return ready.status == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond, log)
	require.Equal(t, 2, ready.major)
	require.Equal(t, []string{"live.test"}, ready.certified)
	require.Contains(t, log.String(), "Studio      https://live.test/")
	info, err := os.Stat(filepath.Join(data, "certificates"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}
