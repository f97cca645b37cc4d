package sluice_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is what the paths of our own packages start with.
const module = "github.com/sluicelive/sluice"

// A ban is one forbidden kind of arrow between packages. Patterns are import
// paths in which ./x is a package of ours, ./ the root package, a trailing /...
// means the package and all below it, and "outside" everything that is neither
// ours nor the standard library.
type ban struct {
	from    []string // packages that must not
	except  []string // of these, the ones that may
	to      []string // import these
	sparing []string // of these, the ones that are allowed
	// indirect forbids the way through other packages of ours too.
	indirect bool
	why      string
}

// bans is the import table of the house. It holds for what is built, not for
// tests, which may reach across to set up a scene.
func bans() []ban { return slices.Concat(ruleBans(), innerBans(), edgeBans(), outerBans()) }

// ruleBans keep rules apart from what they are about.
func ruleBans() []ban {
	house := []string{"./..."}
	words := []string{"./", "./internal/media"} // what every package may speak of
	return []ban{
		{
			from: []string{"./internal/broadcast"},
			to:   house, sparing: words, indirect: true,
			why: "the rules of a broadcast do not know how frames arrive, who encodes them or what is stored",
		},
		{
			from: []string{"./internal/broadcast"},
			to:   []string{"net", "net/http", "os", "context", "sync", "log/slog"},
			why:  "the rules of a broadcast are a function of what happened and of now: a test of theirs takes microseconds",
		},
	}
}

// innerBans say in which direction the arrows between our packages point.
func innerBans() []ban {
	house := []string{"./..."}
	words := []string{"./", "./internal/media"} // what every package may speak of
	return []ban{
		{
			from: []string{"./"}, to: []string{"./internal/...", "./cmd/...", "outside"},
			why: "the root package says what the product is, and whoever reads it needs nothing else",
		},
		{
			from: []string{"./internal/media"}, to: []string{"./...", "outside"},
			why: "the words of media stand at the bottom: everything may use them, so they use nothing",
		},
		{
			from: []string{"./internal/jitter", "./internal/rtpclock", "./internal/mkv", "./internal/cmaf"},
			to:   house, sparing: words, indirect: true,
			why: "packet, clock and box code is tested on bytes alone: it knows nothing of the house around it",
		},
		{
			from: []string{"./internal/hls", "./internal/dash"},
			to:   house, sparing: append([]string{"./internal/cmaf"}, words...), indirect: true,
			why: "a manifest is a pure function of a snapshot of the packager and of now",
		},
		{
			from: []string{"./internal/hls", "./internal/dash", "./internal/jitter", "./internal/rtpclock", "./internal/mkv"},
			to:   []string{"net", "net/http", "os", "context", "log/slog"},
			why:  "pure code waits for nothing, reads no file and logs nothing: its callers do",
		},
		{
			from: []string{"./internal/cmaf"},
			to:   []string{"net", "net/http", "os", "log/slog"},
			why:  "the packager reads the stream it is given and logs nothing; its readers wait for snapshots, with a context",
		},
		{
			from: []string{"./internal/sqldb", "./internal/bus", "./internal/eventkey"},
			to:   house, sparing: []string{"./", "./internal/sqldb/...", "./internal/budget"}, indirect: true,
			why: "adapters stand beside the domain and speak its words only, so that another can take their place",
		},
		{
			from: []string{"./internal/dvr"},
			to:   house, sparing: append([]string{"./internal/cmaf"}, words...), indirect: true,
			why: "where segments are kept is an adapter of the packager's shelf, so that another can take its place",
		},
		{
			from: []string{"./internal/webrtc/..."},
			to:   house, sparing: append([]string{"./internal/webrtc/...", "./internal/jitter", "./internal/rtpclock", "./internal/budget", "./internal/clientaddr"}, words...), indirect: true,
			why: "ingest hands out frames and does not know who takes them",
		},
		{
			from: []string{"./internal/ffmpeg/..."},
			to:   house, sparing: append([]string{"./internal/ffmpeg/...", "./internal/mkv"}, words...), indirect: true,
			why: "the encoder takes frames and gives fragments; who packages them is not its business",
		},
		{
			from: []string{"./internal/live/..."},
			to:   []string{"./internal/api", "./internal/origin", "./internal/ui", "./internal/hls", "./internal/dash", "./internal/sqldb/..."}, indirect: true,
			why: "a running stream works whatever protocol asks for it and whatever database keeps it",
		},
		{
			from: []string{"./internal/api/..."},
			to:   []string{"./internal/origin/...", "./internal/hls", "./internal/dash", "./internal/ui", "./internal/sqldb/..."}, indirect: true,
			why: "the API and the delivery of media are put on different hosts one day: they share no code path",
		},
		{
			from: []string{"./internal/origin/..."},
			to:   []string{"./internal/api/...", "./internal/ui", "./internal/sqldb/...", "./internal/webrtc/...", "./internal/ffmpeg/...", "./internal/live/..."}, indirect: true,
			why: "an origin serves what the packager holds; it can stand where no encoder runs",
		},
	}
}

// edgeBans say the same of what faces clients, and of tools and wiring.
func edgeBans() []ban {
	house := []string{"./..."}
	return []ban{
		{
			from: []string{"./internal/budget", "./internal/clientaddr"},
			to:   house, sparing: []string{"./"}, indirect: true,
			why: "limits and addresses are counted and read by rules alone, so that both edges can use them",
		},
		{
			from: []string{"./internal/budget", "./internal/clientaddr"},
			to:   []string{"net", "os"},
			why:  "they open nothing and wait for nothing: a test of theirs takes microseconds",
		},
		{
			from: []string{"./internal/certs/...", "./internal/httpd"},
			to:   house, sparing: []string{"./", "./internal/certs/...", "./internal/status", "./internal/budget", "./internal/clientaddr"}, indirect: true,
			why: "the listener and its certificates know nothing of what is served behind them",
		},
		{
			from: []string{"./internal/ui/..."},
			to:   house, sparing: []string{"./", "./web", "./internal/ui/..."}, indirect: true,
			why: "the pages use the public API only, like everybody else's",
		},
		{
			from: []string{"./internal/loadtest/..."},
			to:   house, sparing: []string{"./internal/loadtest/..."}, indirect: true,
			why: "a load test sees a stream as any player does, so that it tells the truth of any server",
		},
		{
			from: []string{"./internal/loadtest/chunks", "./internal/loadtest/playback", "./internal/loadtest/playlist", "./internal/loadtest/timeline"},
			to:   append([]string{"net", "net/http", "os", "context", "log/slog"}, house...),
			why:  "what a viewer reads and plays is pure: the viewer around it loads and waits",
		},
		{
			from: house, except: []string{"./cmd/..."}, to: []string{"./cmd/..."},
			why: "cmd wires the house together; nothing hangs on it",
		},
	}
}

// outerBans give each part of the world outside to the one package whose duty
// it is.
func outerBans() []ban {
	house := []string{"./..."}
	forTests := []string{"./internal/sqldb/sqldbtest", "./internal/cmaf/cmaftest", "./internal/certs/certstest"}
	return []ban{
		{
			from: house, except: []string{"./internal/webrtc/..."}, to: []string{"github.com/pion/..."},
			why: "WebRTC is spoken in one package, so that its next major version changes one package",
		},
		{
			from: house, except: []string{"./internal/ffmpeg/..."}, to: []string{"os/exec"},
			why: "children are started in one package, which sees that none outlives the server",
		},
		{
			from: house, except: []string{"./internal/sqldb/..."},
			to:  []string{"database/sql/...", "github.com/uptrace/bun/...", "modernc.org/sqlite/...", "github.com/pressly/goose/..."},
			why: "SQL is spoken in one package, so that a second database is a second dialect there",
		},
		{
			from: house, except: []string{"./internal/hls", "./internal/dash"},
			to:  []string{"github.com/Eyevinn/dash-mpd/...", "github.com/Eyevinn/hls-m3u8/..."},
			why: "manifests are written by their renderers",
		},
		{
			from: house, except: []string{"./internal/mkv"}, to: []string{"github.com/at-wat/ebml-go/..."},
			why: "Matroska is written in one package",
		},
		{
			from: house, except: []string{"./internal/certs"},
			to:  []string{"github.com/caddyserver/...", "github.com/mholt/acmez/...", "github.com/libdns/...", "go.uber.org/zap/..."},
			why: "certificates come from one package, and with them a second way to log, which ends there",
		},
		{
			from: house, except: []string{"./internal/eventkey"}, to: []string{"github.com/golang-jwt/jwt/..."},
			why: "tokens are made and checked in one place, with the algorithm pinned there",
		},
		{
			from: house, except: []string{"./internal/api/..."}, to: []string{"github.com/danielgtaylor/huma/..."},
			why: "the framework of the API stops at the API",
		},
		{
			from: house, except: []string{"./cmd/..."}, to: []string{"github.com/alecthomas/kong/...", "flag"},
			why: "flags and environment are read by the command; packages get parameters",
		},
		{
			from: house, except: []string{"./internal/certs/certstest"}, to: []string{"log"},
			why: "logs are structured: an injected *slog.Logger, but for an authority of tests that wants the other",
		},
		{
			from: house, to: []string{"unsafe", "C"},
			why: "bytes from outside are read with bounds checked, and the binary builds without a C compiler",
		},
		{
			from: house, except: forTests,
			to: append([]string{
				"testing", "github.com/stretchr/testify/...", "go.uber.org/goleak",
				"github.com/letsencrypt/...", "github.com/miekg/dns",
			}, forTests...),
			why: "test code stays out of the binary",
		},
	}
}

// A graph holds, for each package of ours, what it imports.
type graph map[string][]string

// reach is everything a package of ours comes to through packages of ours,
// each with the package that imports it.
func (g graph) reach(from string) map[string]string {
	seen := map[string]string{}
	queue := []string{from}
	for len(queue) > 0 {
		pkg := queue[0]
		queue = queue[1:]
		for _, imp := range g[pkg] {
			if _, ok := seen[imp]; !ok {
				seen[imp] = pkg
				queue = append(queue, imp)
			}
		}
	}
	return seen
}

// violations lists the arrows that a table of bans forbids.
func (g graph) violations(table []ban) []string {
	var found []string
	for _, b := range table {
		for pkg := range g {
			if !matchAny(b.from, pkg) || matchAny(b.except, pkg) {
				continue
			}
			for imp, via := range g.reach(pkg) {
				if imp == pkg || (via != pkg && !b.indirect) || !matchAny(b.to, imp) || matchAny(b.sparing, imp) {
					continue
				}
				found = append(found, fmt.Sprintf("%s imports %s (through %s), but %s", pkg, imp, via, b.why))
			}
		}
	}
	slices.Sort(found)
	return found
}

func matchAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, path) })
}

// match tells whether an import path fits one pattern of a ban.
func match(pattern, path string) bool {
	if pattern == "outside" {
		first, _, _ := strings.Cut(path, "/")
		return strings.Contains(first, ".") && !match("./...", path)
	}
	if rest, ok := strings.CutPrefix(pattern, "./"); ok {
		pattern = strings.TrimSuffix(module+"/"+rest, "/")
	}
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == tree || strings.HasPrefix(path, tree+"/")
	}
	return path == pattern
}

// loadGraph asks the go command what is built for this machine.
func loadGraph(t *testing.T) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())

	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			return g
		}
		require.NoError(t, err)
		g[pkg.ImportPath] = pkg.Imports
	}
}

func TestArchitecture(t *testing.T) {
	g := loadGraph(t)
	require.Contains(t, g, module)
	for _, v := range g.violations(bans()) {
		t.Error(v)
	}
}

// An arrow the wrong way must be found, or the table above is decoration.
func TestArchitectureFindsArrowsTheWrongWay(t *testing.T) {
	ours := func(path string) string { return strings.TrimSuffix(module+"/"+path, "/") }
	for name, tc := range map[string]struct {
		graph graph
		found string // a part of the one violation; none when empty
	}{
		"inward arrows are fine": {graph: graph{
			ours("cmd/sluice"):      {"os", ours("internal/api"), ours("internal/webrtc")},
			ours("internal/webrtc"): {ours(""), ours("internal/media"), "github.com/pion/webrtc/v4"},
			ours("internal/api"):    {ours(""), "net/http"},
			ours(""):                {"time"},
			ours("internal/media"):  {"time"},
		}},
		"the root needs nothing": {
			graph: graph{ours(""): {"errors", ours("internal/media")}, ours("internal/media"): {}},
			found: "sluice imports github.com/sluicelive/sluice/internal/media",
		},
		"the root uses the standard library only": {
			graph: graph{ours(""): {"github.com/google/uuid"}},
			found: "imports github.com/google/uuid",
		},
		"one package speaks WebRTC": {
			graph: graph{ours("internal/live"): {"github.com/pion/rtp"}},
			found: "WebRTC is spoken in one package",
		},
		"one package starts children": {
			graph: graph{ours("internal/live"): {"os/exec"}},
			found: "children are started in one package",
		},
		"one package speaks SQL": {
			graph: graph{ours("internal/api"): {"database/sql"}},
			found: "SQL is spoken in one package",
		},
		"api never imports origin": {
			graph: graph{ours("internal/api"): {ours("internal/origin")}, ours("internal/origin"): {}},
			found: "internal/api imports github.com/sluicelive/sluice/internal/origin",
		},
		"origin never imports api, not even through another": {
			graph: graph{
				ours("internal/origin"): {ours("internal/odd")},
				ours("internal/odd"):    {ours("internal/api")},
				ours("internal/api"):    {},
			},
			found: "internal/origin imports github.com/sluicelive/sluice/internal/api (through github.com/sluicelive/sluice/internal/odd)",
		},
		"renderers are pure": {
			graph: graph{ours("internal/hls"): {"net/http"}},
			found: "pure code waits for nothing",
		},
		"nothing hangs on cmd": {
			graph: graph{ours("internal/odd"): {ours("cmd/sluice")}, ours("cmd/sluice"): {}},
			found: "nothing hangs on it",
		},
		"a path that only starts alike is another package": {
			graph: graph{ours("internal/origin"): {ours("internal/apiary")}, ours("internal/apiary"): {}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := tc.graph.violations(bans())
			if tc.found == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Contains(t, found[0], tc.found)
		})
	}
}
