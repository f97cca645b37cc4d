package main

import (
	"bytes"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/certs"
	"github.com/sluicelive/sluice/internal/certs/certstest"
)

// listening is a front that listens somewhere.
func listening(t *testing.T, addr string, c *serveCmd) *front {
	t.Helper()
	l, err := net.Listen("tcp", addr) //nolint:noctx // one listener of a test
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return &front{flags: c, listener: l, log: slog.New(slog.DiscardHandler)}
}

// S13: what a request calls the server becomes one of the server's own names.
func TestHost(t *testing.T) {
	pair := certstest.NewPair(t, "live.test", time.Now().Add(time.Hour))
	files, err := certs.Load(pair.Cert, pair.Key, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	byFiles := listening(t, "127.0.0.1:0", &serveCmd{})
	byFiles.files = files
	byACME := listening(t, "127.0.0.1:0", &serveCmd{tlsFlags: tlsFlags{ACMEDomain: []string{"live.test", "two.test"}}})
	own := map[*front]string{byFiles: byFiles.certified(), byACME: "live.test"}

	for asked, kept := range map[string]bool{
		"live.test": true, "LIVE.test": true, "live.test:8443": true,
		"evil.example": false, "live.test.evil.example": false, "": false,
		"live.test:80@evil.example": false, "live.test@evil.example": false, "live.test:99999": false, "192.0.2.1": false, "[::1]:443": false,
	} {
		for f, fallback := range own {
			want := fallback
			if kept {
				want = asked
			}
			require.Equal(t, want, f.host()(asked), "%q", asked)
		}
	}
	require.Equal(t, "two.test", byACME.host()("two.test"))
	require.Nil(t, listening(t, "127.0.0.1:0", &serveCmd{}).host(), "a server without names takes what it is asked for")
}

func TestWarnOfHosts(t *testing.T) {
	for name, test := range map[string]struct {
		addr  string
		flags serveCmd
		warns bool
	}{
		"to this machine alone":    {"127.0.0.1:0", serveCmd{}, false},
		"to all":                   {"0.0.0.0:0", serveCmd{}, true},
		"to all, with an address":  {"0.0.0.0:0", serveCmd{netFlags: netFlags{PublicURL: "https://live.test"}}, false},
		"to all, with a domain":    {"0.0.0.0:0", serveCmd{tlsFlags: tlsFlags{ACMEDomain: []string{"live.test"}}}, false},
		"to this machine alone, 6": {"[::1]:0", serveCmd{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			listening(t, test.addr, &test.flags).warnOfHosts(slog.New(slog.NewTextHandler(&log, nil)))
			require.Equal(t, test.warns, bytes.Contains(log.Bytes(), []byte("--public-url")), log.String())
		})
	}
}
