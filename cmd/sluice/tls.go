package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// tlsFlags say whether, and with which certificate, the server speaks HTTPS.
type tlsFlags struct {
	TLSCert    string   `name:"tls-cert" help:"Certificate chain in a PEM file, to serve HTTPS and HTTP/2 with. It is taken up anew when it is renewed." placeholder:"FILE" type:"path" env:"SLUICE_TLS_CERT"`
	TLSKey     string   `name:"tls-key" help:"Private key of --tls-cert, in a PEM file." placeholder:"FILE" type:"path" env:"SLUICE_TLS_KEY"`
	ACMEDomain []string `name:"acme-domain" help:"Host names to get a certificate for, and to serve HTTPS and HTTP/2 with. Port 443 of each must lead to --listen, or port 80 to --http-listen. It means that you agree to the terms of the authority, which is Let's Encrypt." placeholder:"NAME" env:"SLUICE_ACME_DOMAIN"`
	ACMEEmail  string   `name:"acme-email" help:"Address for the authority's warnings." placeholder:"ADDR" env:"SLUICE_ACME_EMAIL"`
	ACMECA     string   `name:"acme-ca" help:"Directory of another authority than Let's Encrypt." placeholder:"https://…" env:"SLUICE_ACME_CA"`
	HTTPListen string   `name:"http-listen" help:"Address of one more listener, beside HTTPS: it leads browsers there, and answers the authority." placeholder:":80" env:"SLUICE_HTTP_LISTEN"`
}

// isSecure reports whether the server speaks HTTPS.
func (f *tlsFlags) isSecure() bool { return f.TLSCert != "" || len(f.ACMEDomain) > 0 }

// Validate checks what flags alone can tell.
func (f *tlsFlags) Validate() error {
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key belong together; give both")
	case f.TLSCert != "" && len(f.ACMEDomain) > 0:
		return errors.New("--tls-cert and --acme-domain are two ways to a certificate; give one")
	case len(f.ACMEDomain) == 0 && (f.ACMEEmail != "" || f.ACMECA != ""):
		return errors.New("--acme-email and --acme-ca are nothing without a name to get a certificate for; give --acme-domain, too")
	case f.HTTPListen != "" && !f.isSecure():
		return errors.New("--http-listen leads to HTTPS, which needs --tls-cert or --acme-domain; for HTTP alone use --listen")
	}
	for _, name := range f.ACMEDomain {
		if err := checkDomain(name); err != nil {
			return err
		}
	}
	if u, err := url.Parse(f.ACMECA); f.ACMECA != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("--acme-ca %q is no address; write it like https://acme.example.com/directory", f.ACMECA)
	}
	return nil
}

// checkDomain refuses names that no authority certifies by the challenges that
// we can answer: those of a host, and not of many (RFC 8555, section 7.1.3).
func checkDomain(name string) error {
	if net.ParseIP(name) != nil || !strings.Contains(name, ".") || strings.ContainsAny(name, "*:/ ") {
		return fmt.Errorf("--acme-domain %q is not the name of one host; write it like live.example.com", name)
	}
	return nil
}
