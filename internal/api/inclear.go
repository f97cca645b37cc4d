package api

import (
	"net/http"

	"github.com/sluicelive/sluice"
)

// InClear answers calls that come in clear to a server that speaks HTTPS: it
// refuses them. Led on by a redirect they would work, and clients would go on
// sending their keys for everybody on the way to read. Preflights are refused,
// too, after which a browser does not send the key at all. base is what the
// address by HTTPS of a request begins with.
func InClear(base func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowOrigin(w.Header(), r.Header.Get("Origin"))
		protect(w.Header())
		writeFailure(w, newFailure(nil, sluice.Errorf(sluice.KindForbidden, "https_required",
			"calls are taken over HTTPS only: use %s/v1; a key that was sent in clear may have been read on the way, replace it",
			base(r))))
	})
}
