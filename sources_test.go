package sluice_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxLines is the wall for one file. A file that comes near it has two roles.
const maxLines = 600

// A reserved call is one that only some folders may make.
type reserved struct {
	pkg   string   // import path
	names []string // functions and variables of it
	in    []string // folders that may use them
	tests bool     // tests may too
	why   string
}

func reservedCalls() []reserved {
	return []reserved{
		{
			pkg: "os", names: []string{"Exit", "Getenv", "LookupEnv", "Environ", "ExpandEnv", "Args"}, in: []string{"cmd"}, tests: true,
			why: "only the command ends the process and reads its surroundings; packages get parameters",
		},
		{
			pkg: "time", names: []string{"Sleep"},
			why: "every wait can be canceled, and a test waits for a condition",
		},
	}
}

// pureFolders are those whose rules are functions of their arguments: time is one of
// them, and what happens at the same time is their callers' business.
func pureFolders() []string {
	return []string{"internal/broadcast", "internal/hls", "internal/dash", "internal/jitter", "internal/rtpclock", "internal/mkv", "internal/budget"}
}

// sourceFiles reads every file that people write here, by path.
func sourceFiles(t *testing.T, extensions ...string) map[string][]byte {
	t.Helper()
	top := os.DirFS(".")
	files := map[string][]byte{}
	err := fs.WalkDir(top, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "node_modules", "dist", "testdata", "bin", "data"}, d.Name()) {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.Contains(extensions, path.Ext(p)) {
			return nil
		}
		files[p], err = fs.ReadFile(top, p)
		return err
	})
	require.NoError(t, err)
	return files
}

func TestSourcesAreShort(t *testing.T) {
	for p, content := range sourceFiles(t, ".go", ".ts", ".svelte", ".js", ".mjs", ".css", ".sh") {
		if n := bytes.Count(content, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines; split it by role below %d", p, n, maxLines)
		}
	}
}

func TestSourcesKeepReservedCalls(t *testing.T) {
	for p, content := range sourceFiles(t, ".go") {
		for _, v := range forbiddenCalls(t, p, content) {
			t.Error(v)
		}
	}
}

func TestPureFoldersArePure(t *testing.T) {
	for p, content := range sourceFiles(t, ".go") {
		if slices.Contains(pureFolders(), path.Dir(p)) && !strings.HasSuffix(p, "_test.go") {
			for _, v := range impurities(t, p, content) {
				t.Error(v)
			}
		}
	}
}

// impurities lists where a file reads the clock or starts a goroutine.
func impurities(t *testing.T, file string, content []byte) []string {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, content, parser.SkipObjectResolution)
	require.NoError(t, err)
	clock, _ := importName(tree, "time")
	var found []string
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, fmt.Sprintf("%s starts a goroutine, but its rules are pure", fset.Position(n.Pos())))
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == clock && slices.Contains([]string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}, n.Sel.Name) {
				found = append(found, fmt.Sprintf("%s reads the clock, but time is an argument of its rules", fset.Position(n.Pos())))
			}
		}
		return true
	})
	return found
}

func TestImpuritiesAreFound(t *testing.T) {
	for body, found := range map[string]int{
		`import "time"; func f() time.Time { return time.Now() }`:                   1,
		`import clock "time"; func f() <-chan clock.Time { return clock.After(1) }`: 1,
		`func f() { go f() }`: 1,
		`import "time"; func f(now time.Time) time.Time { return now.Add(time.Second) }`: 0,
	} {
		require.Len(t, impurities(t, "internal/broadcast/a.go", []byte("package broadcast; "+body)), found, body)
	}
}

// forbiddenCalls lists the uses of reserved calls in one file.
func forbiddenCalls(t *testing.T, file string, content []byte) []string {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, content, parser.SkipObjectResolution)
	require.NoError(t, err)

	var found []string
	for _, r := range reservedCalls() {
		name, ok := importName(tree, r.pkg)
		if !ok || mayCall(r, file) {
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(r.names, sel.Sel.Name) {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				found = append(found, fmt.Sprintf("%s uses %s.%s, but %s", fset.Position(sel.Pos()), r.pkg, sel.Sel.Name, r.why))
			}
			return true
		})
	}
	return found
}

func mayCall(r reserved, file string) bool {
	if r.tests && strings.HasSuffix(file, "_test.go") {
		return true
	}
	return slices.ContainsFunc(r.in, func(dir string) bool { return strings.HasPrefix(file, dir+"/") })
}

// importName is the name by which a file speaks of a package of the standard
// library, if it imports it.
func importName(tree *ast.File, pkg string) (string, bool) {
	for _, imp := range tree.Imports {
		if strings.Trim(imp.Path.Value, `"`) != pkg {
			continue
		}
		if imp.Name != nil {
			return imp.Name.Name, true
		}
		return path.Base(pkg), true
	}
	return "", false
}

func TestSourcesFindReservedCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		file, body string
		found      int
	}{
		"a package reads no environment":  {"internal/live/a.go", `import "os"; var _ = os.Getenv("X")`, 1},
		"under another name neither":      {"internal/live/a.go", `import sys "os"; func f() { sys.Exit(1) }`, 1},
		"the command may":                 {"cmd/sluice/a.go", `import "os"; func f() { os.Exit(1) }`, 0},
		"a test may":                      {"internal/live/a_test.go", `import "os"; var _ = os.Getenv("X")`, 0},
		"nobody sleeps, not even in test": {"internal/live/a_test.go", `import "time"; func f() { time.Sleep(1) }`, 1},
		"a method of that name is fine":   {"internal/live/a.go", `import "os"; var _ = os.Stdout; func f(p proc) { p.Exit() }`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.Len(t, forbiddenCalls(t, tc.file, []byte("package a; "+tc.body)), tc.found)
		})
	}
}
