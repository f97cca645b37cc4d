package certstest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// An Authority is a real ACME server, which finds every name on this machine.
type Authority struct {
	Directory string         // its address
	Roots     *x509.CertPool // that vouch for it
	RootsFile string         // the same in a PEM file
}

// Ports are where an authority looks for the answers to its challenges, and how
// long its certificates last.
type Ports struct {
	TLS, HTTP int
	Validity  time.Duration // whole seconds; zero is five years
}

// NewAuthority runs an authority until the end of the test.
func NewAuthority(t *testing.T, ports Ports) Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")      // up to 5 s a challenge
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0") // refuses 5 % of requests, to try clients
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profile := ca.Profile{Description: "for tests", ValidityPeriod: uint64(ports.Validity / time.Second)}
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": profile})
	validator := va.New(quiet, ports.HTTP, ports.TLS, false, resolver(t), store)
	front := wfe.New(quiet, store, validator, issuer, []string{"ca.test"}, false, false, 0, 0)
	server := httptest.NewUnstartedServer(front.Handler())
	server.Config.ErrorLog = quiet
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)

	a := Authority{
		Directory: server.URL + wfe.DirectoryPath,
		Roots:     x509.NewCertPool(),
		RootsFile: filepath.Join(t.TempDir(), "roots.pem"),
	}
	a.Roots.AddCert(server.Certificate())
	writePEM(t, a.RootsFile, "CERTIFICATE", server.Certificate().Raw)
	return a
}

// resolver answers that every name is this machine, and returns its address.
func resolver(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // as the authority asks
	require.NoError(t, err)
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		if name := q.Question[0]; name.Qtype == dns.TypeA {
			header := dns.RR_Header{Name: name.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}
			answer.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(answer) // who asks gives up by itself
	})}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	served := make(chan error, 1)
	go func() { served <- server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		require.NoError(t, server.Shutdown())
		require.NoError(t, <-served)
	})
	return listener.Addr().String()
}
