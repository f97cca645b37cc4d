package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluicelive/sluice"
)

func TestBootstrapKeys(t *testing.T) {
	const good = "correct horse battery staple"
	inFile := func(content string) bootstrapFlags {
		path := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return bootstrapFlags{BootstrapKeyFile: path}
	}
	for name, test := range map[string]struct {
		flags bootstrapFlags
		says  string // of the refusal
	}{
		"given":                      {bootstrapFlags{BootstrapKey: good}, ""},
		"in a file":                  {inFile(good), ""},
		"in a file with a line end":  {inFile(good + "\r\n"), ""},
		"our own form":               {bootstrapFlags{BootstrapKey: "sluice_ci_0123456789abcdef"}, ""},
		"too short":                  {bootstrapFlags{BootstrapKey: good[:23]}, "at least 24 characters, and this one has 23"},
		"too short in a file":        {inFile("0123456789abcdef\n"), "at least 24 characters, and this one has 16"},
		"an empty file":              {inFile("\n"), "is empty"},
		"a file that is not":         {bootstrapFlags{BootstrapKeyFile: "/nowhere/key"}, "make it readable"},
		"a folder instead of a file": {bootstrapFlags{BootstrapKeyFile: t.TempDir()}, "make it readable"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serveCmd{dataFlags: dataFlags{Data: t.TempDir()}, bootstrapFlags: test.flags}
			store, err := c.open(t.Context(), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			defer func() { require.NoError(t, store.Close()) }()
			for range 2 { // the second start finds the key there
				shown, err := c.firstKey(t.Context(), store)
				require.Empty(t, shown)
				if test.says != "" {
					require.ErrorContains(t, err, test.says)
					require.NotContains(t, explain(err), good[:23], "a key is in no message")
					continue
				}
				require.NoError(t, err)
			}
			keys, err := store.AllKeys(t.Context())
			require.NoError(t, err)
			require.Len(t, keys, map[bool]int{true: 1}[test.says == ""])
			if test.says == "" && test.flags.BootstrapKey == "" {
				require.True(t, keys[0].Accepts(good))
				require.Equal(t, sluice.KeyID(good), keys[0].ID)
			}
		})
	}
}

// S24: the first key is shown on a screen, and kept out of what records output.
func TestFirstKeyIsHandedOver(t *testing.T) {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { _ = screen.Close() }()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { _ = null.Close() }()
	const key = "sluice_abcdefgh_0123456789abcdef"
	for name, test := range map[string]struct {
		out    terminal
		inFile bool
	}{
		"a screen":     {terminal{screen}, false},
		"a pipe":       {terminal{&bytes.Buffer{}}, true},
		"a device":     {terminal{null}, true},
		"an old file":  {terminal{&bytes.Buffer{}}, true},
		"no first key": {terminal{&bytes.Buffer{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := serveCmd{dataFlags: dataFlags{Data: t.TempDir()}}
			path := filepath.Join(c.Data, "first.key")
			if name == "an old file" {
				require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("old", 100)), 0o644)) //nolint:gosec // G306: what is to be mended
			}
			text := key
			if name == "no first key" {
				text = ""
			}
			where, err := c.hand(test.out, text)
			require.NoError(t, err)
			var greeting bytes.Buffer
			c.greet(terminal{&greeting}, "http://localhost:8080", text, where)
			if !test.inFile {
				require.Empty(t, where)
				require.NoFileExists(t, path)
				require.Equal(t, text != "", strings.Contains(greeting.String(), key))
				return
			}
			require.Equal(t, path, where)
			content, err := os.ReadFile(path) //nolint:gosec // G304: this test's own folder
			require.NoError(t, err)
			require.Equal(t, key+"\n", string(content))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			require.NotContains(t, greeting.String(), key)
			require.Contains(t, greeting.String(), path)
		})
	}
}
