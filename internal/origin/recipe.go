package origin

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/sluicelive/sluice/internal/cmaf"
)

// A cache that cannot give one answer to many while it is still coming, as nginx,
// would have to ask for the open segment once for each viewer, or keep them all
// waiting for its end. It gets a recipe instead: the list of the segment's chunks
// as server-side includes. Each chunk is a file of its own, which the cache asks
// for once and hands out to all.

const (
	// capability is where a cache says what it can put together (Edge Architecture
	// Specification, W3C note of 2001, section 3.1), and includes is what it says.
	capability = "Surrogate-Capability"
	includes   = "SSI/1.0"
	// typeRecipe tells a recipe from media, so that nothing is searched for
	// includes but it. It is a segment's type, for that is what viewers get.
	typeRecipe = "video/iso.segment"
	// cacheRecipe keeps a recipe in the cache that asked for it, while the segment
	// is made and a little longer: once that is whole, it is better had in one piece.
	// Viewers' own caches keep nothing, for what they get may break off.
	cacheRecipe = "public, max-age=0, s-maxage=12"
)

// assembles reports whether the sender of a request puts segments together.
func assembles(r *http.Request) bool { return strings.Contains(r.Header.Get(capability), includes) }

// includePrefix is where the cache looks for chunks: there it makes nothing of one
// that is missing, where a viewer who asked would be told.
const includePrefix = "/include"

// serveRecipe sends the list of all chunks that an open segment is to have. Each
// is asked for when the one before it has come, which is when the origin lets a
// request for it wait.
func serveRecipe(w http.ResponseWriter, r *http.Request, track *cmaf.Track, s *cmaf.Segment) {
	h := w.Header()
	h.Set("Content-Type", typeRecipe)
	h.Set("Cache-Control", cacheRecipe)
	h.Set("Vary", capability)
	if r.Method == http.MethodHead {
		return
	}
	folder := includePrefix + path.Dir(r.URL.EscapedPath())
	var recipe strings.Builder
	for i := range track.Snapshot().Chunk.PerSegment() {
		name := cmaf.ChunkName(track.Name(), cmaf.Position{Segment: s.Number, Chunk: i})
		_, _ = fmt.Fprintf(&recipe, "<!--# include virtual=\"%s/%s\" wait=\"yes\" -->", folder, name)
	}
	h.Set("Content-Length", strconv.Itoa(recipe.Len()))
	_, _ = io.WriteString(w, recipe.String()) // fails only when the viewer has left
}
