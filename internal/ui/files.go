package ui

import (
	"bytes"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// files is everything that was built, by path. It is read once and never
// changes, so that no request ever names a file on a disk.
type files map[string]file

// file is one built file.
type file struct {
	contentType string
	content     []byte
	gzipped     []byte // the copy that was compressed at build time, if there is one
}

// readFiles reads all files below root. A name.gz becomes the compressed copy of
// name.
func readFiles(root fs.FS) (files, error) {
	all := files{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		plain, compressed := strings.CutSuffix(name, ".gz")
		f := all[plain]
		if compressed {
			f.gzipped = content
		} else {
			f.content, f.contentType = content, contentType(name)
		}
		all[plain] = f
		return nil
	})
	return all, err
}

// contentType is the type of the kinds of file that a build makes. The system's
// own table of types differs from machine to machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

// serve answers with the file, compressed where the client takes that (RFC 9110,
// section 12.5.3).
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	content := f.content
	w.Header().Set("Content-Type", f.contentType)
	if f.gzipped != nil {
		w.Header().Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			w.Header().Set("Content-Encoding", "gzip")
			content = f.gzipped
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads an Accept-Encoding header. A weight of zero is a refusal.
func acceptsGzip(header string) bool {
	for offer := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(offer, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return strings.Trim(q, "0.") != "" || q == ""
	}
	return false
}
