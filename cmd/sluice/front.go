package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicelive/sluice/internal/api"
	"github.com/sluicelive/sluice/internal/certs"
	"github.com/sluicelive/sluice/internal/httpd"
)

// front is where the server is reached: its listeners, and the certificate that
// it shows.
type front struct {
	flags    *serveCmd
	listener net.Listener
	plain    net.Listener // in clear, beside HTTPS; nil when there is none
	files    *certs.Files // nil when certificates are got by ACME, or none is needed
	log      *slog.Logger
}

// openFront reads the certificate and opens the listeners.
func (c *serveCmd) openFront(ctx context.Context, log *slog.Logger) (*front, error) {
	f := &front{flags: c, log: log}
	var err error
	if c.TLSCert != "" {
		if f.files, err = certs.Load(c.TLSCert, c.TLSKey, log); err != nil {
			return nil, err
		}
	}
	if f.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("%w; choose another address with --listen", err)
	}
	if c.HTTPListen == "" {
		return f, nil
	}
	if f.plain, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.HTTPListen); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; choose another address with --http-listen", err), f.listener.Close())
	}
	return f, nil
}

// Close closes the listeners, if run has not.
func (f *front) Close() error {
	if f.plain == nil {
		return f.listener.Close()
	}
	return errors.Join(f.listener.Close(), f.plain.Close())
}

// run serves until ctx ends.
func (f *front) run(ctx context.Context, cfg httpd.Config) error {
	defer cfg.Connections.Wait()
	group, ctx := errgroup.WithContext(ctx)
	challenges := func(next http.Handler) http.Handler { return next }
	switch {
	case f.files != nil:
		cfg.TLS = f.files.Config()
		group.Go(func() error { f.files.Watch(ctx); return nil })
	case len(f.flags.ACMEDomain) > 0:
		acme, err := f.openACME(ctx)
		if err != nil {
			return err
		}
		defer acme.Close()
		cfg.TLS, challenges = acme.Config(), acme.HTTPChallenge
	}
	group.Go(func() error { return httpd.New(cfg).Run(ctx, f.listener) })
	if f.plain != nil {
		upgrade := f.upgrade()
		led := challenges(upgrade)
		beside := httpd.New(httpd.Config{
			API: api.InClear(upgrade.Base), Origin: led, UI: led, Ready: cfg.Ready,
			Connections: cfg.Connections, Bodies: cfg.Bodies, Trusted: cfg.Trusted, Log: f.log,
		})
		group.Go(func() error { return beside.Run(ctx, f.plain) })
	}
	return group.Wait()
}

// openACME begins to get certificates. Both listeners are there already: they
// answer the authority.
func (f *front) openACME(ctx context.Context) (*certs.ACME, error) {
	host, err := f.flags.challengeHost()
	if err != nil {
		return nil, err
	}
	c := certs.ACMEConfig{
		Domains: f.flags.ACMEDomain, Email: f.flags.ACMEEmail, CA: f.flags.ACMECA,
		Folder: filepath.Join(f.flags.Data, "certificates"),
		Host:   host, TLSPort: port(f.listener), Log: f.log,
	}
	if f.plain != nil {
		c.HTTPPort = port(f.plain)
	}
	return certs.OpenACME(ctx, c)
}

// challengeHost is the address that challenges of both kinds come in on. There is
// one for both: where the listeners have two, none is named, for a listener would
// be opened beside ours otherwise.
func (c *serveCmd) challengeHost() (string, error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || c.HTTPListen == "" {
		return host, err
	}
	beside, _, err := net.SplitHostPort(c.HTTPListen)
	if err != nil || beside != host {
		return "", err
	}
	return host, nil
}

// upgrade leads to HTTPS. With ACME that is on the usual port, which the
// authority sees, wherever the listener is behind it.
func (f *front) upgrade() httpd.Upgrade {
	u := httpd.Upgrade{URL: f.flags.PublicURL}
	if f.files != nil {
		u.Port = port(f.listener)
	}
	return u
}

// publicURL is the address that viewers use, as far as it is configured: empty
// when only their requests can tell.
func (f *front) publicURL() string {
	if f.flags.PublicURL != "" || len(f.flags.ACMEDomain) != 1 {
		return f.flags.PublicURL
	}
	return "https://" + f.flags.ACMEDomain[0]
}

// url is where a browser finds the server.
func (f *front) url() string {
	switch {
	case f.flags.PublicURL != "":
		return f.flags.PublicURL
	case f.files != nil:
		return "https://" + f.certified()
	case len(f.flags.ACMEDomain) > 0:
		return "https://" + f.flags.ACMEDomain[0]
	default:
		return "http://" + reachable(f.listener.Addr())
	}
}

// certified is the host and port that the certificate is for, when it names one.
func (f *front) certified() string {
	names := f.files.Leaf().DNSNames
	if len(names) == 0 || strings.HasPrefix(names[0], "*") {
		return reachable(f.listener.Addr())
	}
	if port(f.listener) == httpsPort {
		return names[0]
	}
	return net.JoinHostPort(names[0], strconv.Itoa(port(f.listener)))
}

// httpsPort is the one that addresses need not name.
const httpsPort = 443

// port is the one that a listener was given; 0 when it is none of TCP.
func port(l net.Listener) int {
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// reachable is an address a browser on this machine can open.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}
