package api

import (
	"log/slog"
	"net/http"
	"sync"
)

// forwarded says once that a proxy speaks of HTTPS and is not believed.
type forwarded struct{ once sync.Once }

// warn looks at a request whose answer names addresses by http. Pages of ours
// go by their own origin; other players load what the answer says, which a page
// that came by HTTPS may not.
func (f *forwarded) warn(r *http.Request, log *slog.Logger) {
	if r.Header.Get("X-Forwarded-Proto") != "https" {
		return
	}
	f.once.Do(func() {
		log.Warn("a proxy says that this server is reached by https, but addresses in answers begin with http://: set"+
			" --public-url (SLUICE_PUBLIC_URL) to the address that viewers use, or name the proxy with --trusted-proxy", "host", r.Host)
	})
}
