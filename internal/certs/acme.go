package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// ACMEConfig says for which names, from whom, and where certificates are kept.
type ACMEConfig struct {
	Domains []string
	Email   string // for the authority's warnings; may be empty
	// CA is the address of the authority's directory. Empty is Let's Encrypt.
	CA string
	// Folder is made when it is missing, for its owner only.
	Folder string
	// Host is the address that both ports are listened on; empty when that is all
	// of them, or when they differ. They must be listened on before OpenACME, which
	// would otherwise do so.
	Host string
	// TLSPort is where the challenge of RFC 8737 is answered: that of the server
	// which has Config. The authority asks on 443, so that must lead there.
	TLSPort int
	// HTTPPort is where HTTPChallenge is served, and port 80 leads to; 0 when
	// there is none.
	HTTPPort int
	Log      *slog.Logger

	roots *x509.CertPool // that vouch for the authority itself, in tests
	every time.Duration  // how often certificates are looked at, in tests
}

// ACME gets certificates and renews them.
type ACME struct {
	cache  *certmagic.Cache
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cancel context.CancelFunc
}

// OpenACME begins to get certificates for all domains that have none in the
// folder, agreeing to the authority's terms. It does not wait for them: until
// one is there, handshakes fail.
func OpenACME(ctx context.Context, c ACMEConfig) (*ACME, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &ACME{cancel: cancel}
	quiet := zap.NewNop() // what matters comes as an event
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		RenewCheckInterval: c.every,
		Logger:             quiet,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: filepath.Clean(c.Folder)},
		// Who asks by address, as health checks do, names no server.
		DefaultServerName: c.Domains[0],
		OnEvent:           tell(c.Log),
		Logger:            quiet,
	})
	a.issuer = certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: c.CA, Email: c.Email, Agreed: true,
		ListenHost: c.Host, AltTLSALPNPort: c.TLSPort, AltHTTPPort: c.HTTPPort, DisableHTTPChallenge: c.HTTPPort == 0,
		TrustedRoots: c.roots,
		Logger:       quiet,
	})
	a.config.Issuers = []certmagic.Issuer{a.issuer}
	if err := a.config.ManageAsync(ctx, c.Domains); err != nil {
		a.Close()
		return nil, fmt.Errorf("get certificates for %v: %w", c.Domains, err)
	}
	return a, nil
}

// tell logs what an operator wants to know of certmagic's events.
func tell(log *slog.Logger) func(context.Context, string, map[string]any) error {
	return func(_ context.Context, event string, data map[string]any) error {
		switch event {
		case "cert_obtaining":
			log.Info("asking for a certificate", "domain", data["identifier"], "renewal", data["renewal"] == true)
		case "cert_obtained":
			log.Info("certificate obtained", "domain", data["identifier"], "issuer", data["issuer"])
		case "cert_failed":
			log.Error("no new certificate yet, it will be asked for again: the name must lead here, on port 443 or 80",
				"domain", data["identifier"], "err", data["error"])
		}
		return nil
	}
}

// Config is for a server.
func (a *ACME) Config() *tls.Config {
	config := a.config.TLSConfig() // which answers challenges
	config.MinVersion = tls.VersionTLS12
	config.NextProtos = append([]string{"h2", "http/1.1"}, config.NextProtos...)
	return config
}

// HTTPChallenge answers the authority's challenges (RFC 8555, section 8.3), and
// has next answer everything else.
func (a *ACME) HTTPChallenge(next http.Handler) http.Handler {
	return a.issuer.HTTPChallengeHandler(next)
}

// Close ends asking and renewing. An order that is under way is abandoned; the
// next OpenACME makes another.
func (a *ACME) Close() {
	a.cancel()
	a.cache.Stop()
}
