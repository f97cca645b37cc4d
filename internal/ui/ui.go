// Package ui serves the pages: studio, watch and the API reference, built from
// web/ and embedded.
package ui

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// Handler serves the pages and their files:
//
//	/            the studio
//	/watch/{id}  the page for viewers
//	/docs        the API reference
//
// It needs no state: the pages get everything from the public API.
func Handler() http.Handler {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant that go:embed has checked
	}
	h, err := newHandler(root)
	if err != nil {
		panic(err) // embedded files can be read
	}
	return h
}

// newHandler serves the pages in root, laid out as Vite builds them.
func newHandler(root fs.FS) (http.Handler, error) {
	files, err := readFiles(root)
	if err != nil {
		return nil, err
	}
	if _, built := files["index.html"]; !built {
		return http.HandlerFunc(serveNotBuilt), nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(files["index.html"], studioGrant()))
	mux.Handle("GET /watch/{id}", page(files["watch.html"], watchGrant()))
	mux.Handle("GET /watch/{id}/{$}", page(files["watch.html"], watchGrant()))
	mux.Handle("GET /docs", page(files["docs.html"], plainGrant()))
	mux.Handle("GET /docs/{$}", page(files["docs.html"], plainGrant()))
	mux.Handle("GET /", http.HandlerFunc(files.serve))
	return mux, nil
}

// page serves one document at whatever path it was asked for. It is asked for
// anew each time, since it names the files that belong to it.
func page(document file, may grant) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		may.protect(w.Header())
		w.Header().Set("Cache-Control", "no-cache")
		document.serve(w, r)
	})
}

// serve serves the files beside the documents. What lies in assets carries the
// hash of its content in its name and so stays the same for ever (RFC 8246).
func (files files) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	f, ok := files[name]
	if !ok || strings.HasSuffix(name, ".html") || strings.HasPrefix(name, ".") {
		plainGrant().protect(w.Header())
		http.Error(w, "There is no page here. The studio is at /.", http.StatusNotFound)
		return
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", cache)
	f.serve(w, r)
}

// serveNotBuilt answers for pages that are not in this binary.
func serveNotBuilt(w http.ResponseWriter, _ *http.Request) {
	plainGrant().protect(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(notBuilt)) // a client that left needs no answer
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice</title>
<h1>The pages are not built</h1>
<p>This server runs, but it was compiled without its pages. Run <code>make build</code> and start it again.</p>
</html>
`
