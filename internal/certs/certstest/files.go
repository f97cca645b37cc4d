// Package certstest makes certificates, and an authority that issues them, for
// tests of what is served with them.
package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Pair is a certificate of its own signature and its key, in PEM files.
type Pair struct{ Cert, Key string }

// NewPair writes a certificate for 127.0.0.1 and a name.
func NewPair(tb testing.TB, name string, until time.Time) Pair {
	tb.Helper()
	folder := tb.TempDir()
	p := Pair{Cert: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem")}
	p.Write(tb, name, until)
	return p
}

// Write puts another certificate into the files.
func (p Pair) Write(tb testing.TB, name string, until time.Time) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(tb, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(tb, err)
	writePEM(tb, p.Cert, "CERTIFICATE", cert)
	writePEM(tb, p.Key, "PRIVATE KEY", private)
}

// Trusting is for clients of a server that has the certificate.
func (p Pair) Trusting(tb testing.TB) *tls.Config {
	tb.Helper()
	text, err := os.ReadFile(p.Cert)
	require.NoError(tb, err)
	roots := x509.NewCertPool()
	require.True(tb, roots.AppendCertsFromPEM(text))
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func writePEM(tb testing.TB, path, kind string, content []byte) {
	tb.Helper()
	require.NoError(tb, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
}
