package sluice_test

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// conformanceItems are the items of the checklist, of which each has a test or a
// written reason.
func conformanceItems() []string { return numbered("H26", "D18", "C12") }

// faultItems are the faults that were found from outside: inputs that broke the
// server (B), foreign programs that had trouble (F), security findings (S).
func faultItems() []string { return numbered("B33", "F14", "S27") }

// numbered writes out ranges: "H26" is H1 to H26.
func numbered(last ...string) []string {
	var items []string
	for _, l := range last {
		count, _ := strconv.Atoi(l[1:])
		for i := range count {
			items = append(items, fmt.Sprintf("%c%d", l[0], i+1))
		}
	}
	return items
}

// tableFaults lists what is wrong with a document that has a table of items and
// their tests: items without a row of their own, rows that prove nothing, and
// tests that do not exist. read gives the content of a file.
func tableFaults(doc string, items []string, read func(file string) (string, error)) []string {
	var found []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \| [^|]+ \| (.*) \|$`).FindAllStringSubmatch(doc, -1) {
		if at := slices.Index(items, row[1]); at >= 0 {
			items = slices.Delete(items, at, at+1)
		} else {
			found = append(found, row[1]+" is no item, or has two rows")
		}
		if len(row[2]) < len("`a_test.go › TestA`") {
			found = append(found, row[1]+" has neither a test nor a reason")
		}
	}
	for _, item := range items {
		found = append(found, item+" has no row")
	}
	for _, test := range regexp.MustCompile("`([^`]+) › ([^`]+)`").FindAllStringSubmatch(doc, -1) {
		content, err := read(test[1])
		if err != nil {
			found = append(found, err.Error())
		} else if !holdsTest(test[1], content, test[2]) {
			found = append(found, fmt.Sprintf("%s has no test %q", test[1], test[2]))
		}
	}
	return found
}

// holdsTest reports whether a file declares a test: a function and, after a
// slash, the name of one of its cases in Go, a name elsewhere.
func holdsTest(file, content, name string) bool {
	if path.Ext(file) != ".go" {
		return strings.Contains(content, name)
	}
	name, part, _ := strings.Cut(name, "/")
	_, body, found := strings.Cut(content, "func "+name+"(")
	return found && strings.Contains(body, part)
}

func TestItemsAreWrittenDown(t *testing.T) {
	read := func(file string) (string, error) {
		content, err := os.ReadFile(file) //nolint:gosec // a file that our own document names
		return string(content), err
	}
	for file, items := range map[string][]string{
		"docs/conformance.md": conformanceItems(),
		"docs/faults.md":      faultItems(),
	} {
		doc, err := read(file)
		require.NoError(t, err)
		require.Empty(t, tableFaults(doc, items, read), file)
	}
}

func TestItemsThatAreNotAreFound(t *testing.T) {
	var rows strings.Builder
	for _, item := range conformanceItems() {
		rows.WriteString("| " + item + " | what | `a_test.go › TestA/a case` |\n")
	}
	good := rows.String()
	read := func(file string) (string, error) {
		if file != "a_test.go" {
			return "", os.ErrNotExist
		}
		return `func TestA(t *testing.T) { t.Run("a case", nil) }`, nil
	}
	require.Empty(t, tableFaults(good, conformanceItems(), read))
	for name, c := range map[string]struct{ old, new, want string }{
		"an item left out":           {"| H7 |", "| H99 |", "H7 has no row"},
		"an item twice":              {"| H7 |", "| H6 |", "H6 is no item, or has two rows"},
		"no proof":                   {"| D3 | what | `a_test.go › TestA/a case` |", "| D3 | what | yes |", "D3 has neither a test nor a reason"},
		"a test that does not exist": {"C1 | what | `a_test.go › TestA/", "C1 | what | `a_test.go › TestB/", `a_test.go has no test "TestB/a case"`},
		"a case that does not exist": {"C1 | what | `a_test.go › TestA/a case`", "C1 | what | `a_test.go › TestA/no case`", `a_test.go has no test "TestA/no case"`},
		"a file that does not exist": {"C1 | what | `a_test.go", "C1 | what | `b_test.go", os.ErrNotExist.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, tableFaults(strings.Replace(good, c.old, c.new, 1), conformanceItems(), read), c.want)
		})
	}
}
