package certs

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/certs/certstest"
)

const domain = "live.test"

// listen takes a free port of this machine.
func listen(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr, ok := l.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return l, addr.Port
}

// serve answers on a listener until the end of the test.
func serve(t *testing.T, l net.Listener, handler http.Handler, config *tls.Config) {
	t.Helper()
	server := &http.Server{Handler: handler, TLSConfig: config, ReadHeaderTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() {
		if config == nil {
			served <- server.Serve(l)
		} else {
			served <- server.ServeTLS(l, "", "")
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}

// shown is what a server shows for a name; nil when there is none.
func shown(ctx context.Context, l net.Listener, name string) *tls.ConnectionState {
	dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"h2"}}} //nolint:gosec // whose it is, is what is looked at
	conn, err := dialer.DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := secured.ConnectionState()
	return &state
}

// obtained waits for a certificate.
func obtained(t *testing.T, l net.Listener) *tls.ConnectionState {
	t.Helper()
	var state *tls.ConnectionState
	require.Eventually(t, func() bool {
		state = shown(t.Context(), l, domain)
		return state != nil
	}, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, []string{domain}, state.PeerCertificates[0].DNSNames)
	return state
}

func open(t *testing.T, a certstest.Authority, c ACMEConfig) *ACME {
	t.Helper()
	c.Domains, c.CA, c.roots = []string{domain}, a.Directory, a.Roots
	c.Host, c.Log = "127.0.0.1", slog.New(slog.DiscardHandler)
	opened, err := OpenACME(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	return opened
}

func TestACMEByTLS(t *testing.T) {
	l, port := listen(t)
	folder := filepath.Join(certstest.Folder(t), "certificates")
	a := open(t, certstest.NewAuthority(t, certstest.Ports{TLS: port}), ACMEConfig{Folder: folder, TLSPort: port})
	serve(t, l, http.NotFoundHandler(), a.Config())
	state := obtained(t, l)
	require.Equal(t, "h2", state.NegotiatedProtocol)
	require.NotNil(t, shown(t.Context(), l, ""), "who names no server gets the first")
	require.Nil(t, shown(t.Context(), l, "other.test"), "names that nobody asked for get none")
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "keys are the owner's")
}

func TestACMEByHTTP(t *testing.T) {
	l, port := listen(t)
	plain, plainPort := listen(t)
	closed, closedPort := listen(t) // as where a proxy stands before port 443
	require.NoError(t, closed.Close())
	a := open(t, certstest.NewAuthority(t, certstest.Ports{TLS: closedPort, HTTP: plainPort}),
		ACMEConfig{Folder: certstest.Folder(t), TLSPort: port, HTTPPort: plainPort})
	serve(t, l, http.NotFoundHandler(), a.Config())
	serve(t, plain, a.HTTPChallenge(http.NotFoundHandler()), nil)
	obtained(t, l)
}

func TestACMERenews(t *testing.T) {
	l, port := listen(t)
	a := open(t, certstest.NewAuthority(t, certstest.Ports{TLS: port, Validity: 6 * time.Second}),
		ACMEConfig{Folder: certstest.Folder(t), TLSPort: port, every: 50 * time.Millisecond})
	serve(t, l, http.NotFoundHandler(), a.Config())
	first := obtained(t, l).PeerCertificates[0].SerialNumber
	require.Eventually(t, func() bool {
		next := shown(t.Context(), l, domain)
		return next != nil && next.PeerCertificates[0].SerialNumber.Cmp(first) != 0
	}, 30*time.Second, 20*time.Millisecond)
}

func TestACMEKeepsWhatItHas(t *testing.T) {
	l, port := listen(t)
	authority := certstest.NewAuthority(t, certstest.Ports{TLS: port})
	folder := certstest.Folder(t)
	a := open(t, authority, ACMEConfig{Folder: folder, TLSPort: port})
	serve(t, l, http.NotFoundHandler(), a.Config())
	first := obtained(t, l).PeerCertificates[0].SerialNumber

	again, port := listen(t)
	serve(t, again, http.NotFoundHandler(), open(t, authority, ACMEConfig{Folder: folder, TLSPort: port}).Config())
	require.Equal(t, first, obtained(t, again).PeerCertificates[0].SerialNumber)
}

func TestHTTPChallengeLeavesTheRestAlone(t *testing.T) {
	_, port := listen(t)
	a := open(t, certstest.Authority{Directory: "https://127.0.0.1:1/none"}, ACMEConfig{Folder: certstest.Folder(t), TLSPort: port, HTTPPort: port})
	for _, path := range []string{"/", "/.well-known/acme-challenge/unknown"} {
		w := httptest.NewRecorder()
		a.HTTPChallenge(http.RedirectHandler("https://live.test/", http.StatusPermanentRedirect)).
			ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		require.Equal(t, http.StatusPermanentRedirect, w.Code, path)
	}
}
