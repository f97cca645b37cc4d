// Package certs finds the certificates that HTTPS is served with: in files, or
// from an authority by ACME (RFC 8555).
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// lookEvery is how often files are looked at for having changed.
const lookEvery = 10 * time.Second

// Files is a certificate in PEM files. While Watch runs, it takes up what takes
// their place, as happens when it is renewed.
type Files struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
	seen      stamp // of the files when they were last looked at
}

// stamp tells whether files have changed. The zero stamp is that of files of
// which one is missing.
type stamp struct {
	cert, key         time.Time
	certSize, keySize int64
}

// Load reads a certificate chain and its private key. It fails when one cannot
// be read, when they do not belong together, and when the time of the
// certificate is over.
func Load(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	f := &Files{cert: certFile, key: keyFile, log: log}
	var err error
	if f.seen, err = f.look(); err != nil {
		return nil, err
	}
	pair, err := f.read()
	if err != nil {
		return nil, err
	}
	f.current.Store(pair)
	return f, nil
}

// Config is for a server.
func (f *Files) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil },
	}
}

// Leaf is the certificate that is shown to clients now.
func (f *Files) Leaf() *x509.Certificate { return f.current.Load().Leaf }

// Watch looks at the files until ctx is done. Files that cannot be used are
// reported once, and the certificate before them stays.
func (f *Files) Watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := f.renew(); err != nil {
			f.log.Error("the new certificate cannot be used; the old one stays", "err", err)
		}
	}
}

// renew takes up files that have changed. Certificate and key are written one
// after the other: between the two they do not belong together, which the next
// look mends.
func (f *Files) renew() error {
	now, err := f.look()
	if now == f.seen {
		return nil
	}
	f.seen = now
	if err != nil {
		return err
	}
	next, err := f.read()
	if err != nil {
		return err
	}
	f.current.Store(next)
	f.log.Info("certificate renewed", "until", next.Leaf.NotAfter)
	return nil
}

func (f *Files) look() (stamp, error) {
	cert, err := os.Stat(f.cert)
	if err != nil {
		return stamp{}, fmt.Errorf("certificate: %w", err)
	}
	key, err := os.Stat(f.key)
	if err != nil {
		return stamp{}, fmt.Errorf("private key: %w", err)
	}
	return stamp{cert: cert.ModTime(), key: key.ModTime(), certSize: cert.Size(), keySize: key.Size()}, nil
}

var errExpired = errors.New("its time is over; renew it")

func (f *Files) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with private key %s: %w", f.cert, f.key, err)
	}
	if until := pair.Leaf.NotAfter; time.Now().After(until) {
		return nil, fmt.Errorf("certificate %s was good until %s: %w", f.cert, until.Format(time.DateOnly), errExpired)
	}
	return &pair, nil
}
