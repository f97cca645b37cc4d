package api

import (
	"log/slog"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// forwarded says once that a proxy speaks of HTTPS and is not believed.
type forwarded struct{ once sync.Once }

// warn looks at a request whose answer names addresses by http. Pages of ours
// go by their own origin; other players load what the answer says, which a page
// that came by HTTPS may not.
func (f *forwarded) warn(ctx huma.Context, log *slog.Logger) {
	if ctx.Header("X-Forwarded-Proto") != "https" {
		return
	}
	f.once.Do(func() {
		log.WarnContext(ctx.Context(), "a proxy says that this server is reached by https, but addresses in answers begin with http://: set"+
			" --public-url (SLUICE_PUBLIC_URL) to the address that viewers use", "host", ctx.Host())
	})
}
