package clientaddr_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice/internal/clientaddr"
)

func request(tb testing.TB, remote string, headers ...string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = remote
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestSettle(t *testing.T) {
	const forwardedFor, forwarded, proto = "X-Forwarded-For", "Forwarded", "X-Forwarded-Proto"
	proxies := []string{"10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"}
	for name, tc := range map[string]struct {
		proxies []string
		remote  string
		headers []string
		client  string
		secure  bool
	}{
		"no proxy is trusted":               {nil, "192.0.2.1:5", []string{forwardedFor, "198.51.100.1", proto, "https"}, "192.0.2.1", false},
		"a stranger says what it likes":     {proxies, "192.0.2.1:5", []string{forwardedFor, "198.51.100.1", forwarded, "for=198.51.100.2;proto=https", proto, "https"}, "192.0.2.1", false},
		"a proxy is believed":               {proxies, "10.0.0.1:5", []string{forwardedFor, "198.51.100.1", proto, "https"}, "198.51.100.1", true},
		"a proxy that says nothing":         {proxies, "10.0.0.1:5", nil, "10.0.0.1", false},
		"two proxies":                       {proxies, "10.0.0.1:5", []string{forwardedFor, "198.51.100.1, 10.9.9.9"}, "198.51.100.1", false},
		"what the client made up":           {proxies, "10.0.0.1:5", []string{forwardedFor, "203.0.113.9, 198.51.100.1"}, "198.51.100.1", false},
		"in a header of its own":            {proxies, "10.0.0.1:5", []string{forwardedFor, "203.0.113.9", forwardedFor, "198.51.100.1"}, "198.51.100.1", false},
		"nonsense before the client":        {proxies, "10.0.0.1:5", []string{forwardedFor, "<script>, 198.51.100.1"}, "198.51.100.1", false},
		"nonsense where the client belongs": {proxies, "10.0.0.1:5", []string{forwardedFor, "198.51.100.1, unknown"}, "10.0.0.1", false},
		"proxies only":                      {proxies, "10.0.0.1:5", []string{forwardedFor, "10.0.0.3, 10.0.0.2"}, "10.0.0.3", false},
		"with a port":                       {proxies, "10.0.0.1:5", []string{forwardedFor, "198.51.100.1:4711"}, "198.51.100.1", false},
		"IPv6":                              {proxies, "[2001:db8:1::1]:5", []string{forwardedFor, "2001:db8:2::7"}, "2001:db8:2::7", false},
		"IPv6 with a port":                  {proxies, "127.0.0.1:5", []string{forwardedFor, "[2001:db8:2::7]:80"}, "2001:db8:2::7", false},
		"IPv4 in IPv6":                      {proxies, "[::ffff:10.0.0.1]:5", []string{forwardedFor, "::ffff:198.51.100.1"}, "198.51.100.1", false},
		"Forwarded":                         {proxies, "127.0.0.1:5", []string{forwarded, `for=203.0.113.9, For="[2001:db8:2::7]:4711";proto=https`}, "2001:db8:2::7", true},
		"Forwarded, hidden":                 {proxies, "127.0.0.1:5", []string{forwarded, "for=_hidden"}, "127.0.0.1", false},
		"X-Forwarded-For goes first":        {proxies, "127.0.0.1:5", []string{forwarded, "for=203.0.113.9", forwardedFor, "198.51.100.1"}, "198.51.100.1", false},
		"the last protocol counts":          {proxies, "127.0.0.1:5", []string{proto, "https, http"}, "127.0.0.1", false},
		"other protocols":                   {proxies, "127.0.0.1:5", []string{proto, "wss"}, "127.0.0.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			trusted, err := clientaddr.ParseProxies(tc.proxies)
			require.NoError(t, err)
			r := request(t, tc.remote, tc.headers...)
			r = trusted.Settle(r)
			require.Equal(t, tc.client, clientaddr.Of(r).String())
			require.Equal(t, tc.secure, clientaddr.Secure(r))
		})
	}
}

func TestSecureByTLS(t *testing.T) {
	r := request(t, "192.0.2.1:5")
	r.TLS = &tls.ConnectionState{}
	require.True(t, clientaddr.Secure(r))
}

func TestParseProxies(t *testing.T) {
	for text, ok := range map[string]bool{
		"192.0.2.1": true, "192.0.2.0/24": true, "2001:db8::/32": true, "::1": true,
		"": false, "proxy": false, "192.0.2.0/33": false, "fe80::1%eth0": false, "unix:": false,
	} {
		_, err := clientaddr.ParseProxies([]string{text})
		require.Equal(t, ok, err == nil, text)
	}
}

// An IPv6 client has a whole network of addresses, and is one client.
func TestKey(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8::1": "2001:db8::", "2001:db8:0:0:ffff::1": "2001:db8::", "2001:db8:0:1::1": "2001:db8:0:1::",
		"fe80::1%eth0": "fe80::", "::1": "::",
	} {
		require.Equal(t, want, clientaddr.Key(netip.MustParseAddr(addr)).String(), addr)
	}
	require.Equal(t, netip.Addr{}, clientaddr.Key(netip.Addr{}), "a test over pipes")
}

func FuzzSettle(f *testing.F) {
	f.Add("10.0.0.1:5", "198.51.100.1, 10.0.0.2", `for="[2001:db8::1]:80";proto=https`)
	f.Add("", ",,,", "for=")
	proxies, err := clientaddr.ParseProxies([]string{"10.0.0.0/8"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, remote, forwardedFor, forwarded string) {
		r := request(t, remote)
		r.Header["X-Forwarded-For"] = []string{forwardedFor}
		r.Header["Forwarded"] = []string{forwarded}
		peer := clientaddr.Of(r)
		r = proxies.Settle(r)
		if !proxies.Trusts(peer) && r.RemoteAddr != remote {
			t.Errorf("%q became %q on the word of a stranger", remote, r.RemoteAddr)
		}
	})
}
