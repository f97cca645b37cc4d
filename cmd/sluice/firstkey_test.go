package main

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
				text, err := c.text()
				if test.says != "" {
					require.ErrorContains(t, err, test.says)
					require.NotContains(t, explain(err), good[:23], "a key is in no message")
					continue
				}
				require.NoError(t, err)
				found, err := findBootstrap(t.Context(), store, text)
				require.NoError(t, err)
				shown, file, err := c.firstKey(t.Context(), store, found, terminal{&bytes.Buffer{}})
				require.NoError(t, err)
				require.Empty(t, shown+file)
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
		"a screen":    {terminal{screen}, false},
		"a pipe":      {terminal{&bytes.Buffer{}}, true},
		"a device":    {terminal{null}, true},
		"an old file": {terminal{&bytes.Buffer{}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := serveCmd{dataFlags: dataFlags{Data: t.TempDir()}}
			path := filepath.Join(c.Data, "first.key")
			if name == "an old file" {
				require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("old", 100)), 0o644)) //nolint:gosec // G306: what is to be mended
			}
			where, err := c.hand(test.out, key)
			require.NoError(t, err)
			var greeting bytes.Buffer
			c.greet(terminal{&greeting}, "http://localhost:8080", key, where)
			if !test.inFile {
				require.Empty(t, where)
				require.NoFileExists(t, path)
				require.Contains(t, greeting.String(), key)
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

// A first key that cannot be handed over is not made: the next start makes one.
func TestFirstKeyIsNotLost(t *testing.T) {
	c := serveCmd{dataFlags: dataFlags{Data: t.TempDir()}}
	store, err := c.open(t.Context(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	path := filepath.Join(c.Data, "first.key")
	require.NoError(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
	journal := terminal{&bytes.Buffer{}}
	text, file, err := c.firstKey(t.Context(), store, bootstrapKey{}, journal)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "make the data folder writable")
	require.Empty(t, text+file)
	keys, err := store.AllKeys(t.Context())
	require.NoError(t, err)
	require.Empty(t, keys, "none that was never seen")

	require.NoError(t, os.RemoveAll(path))
	text, file, err = c.firstKey(t.Context(), store, bootstrapKey{}, journal)
	require.NoError(t, err)
	require.Equal(t, path, file)
	content, err := os.ReadFile(path) //nolint:gosec // G304: this test's own folder
	require.NoError(t, err)
	require.Equal(t, text+"\n", string(content))
	keys, err = store.AllKeys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.True(t, keys[0].Accepts(text))

	text, file, err = c.firstKey(t.Context(), store, bootstrapKey{}, journal)
	require.NoError(t, err)
	require.Empty(t, text+file, "at the first start only")
}

// On a screen the greeting shows the key, so a start that ends before it makes none.
func TestAStartThatFailsMakesNoKey(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // one listener of a test
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	c := serveCmd{dataFlags: dataFlags{Data: t.TempDir()}}
	status, _, stderr := command(t, "serve", "--data", c.Data, "--listen", taken.Addr().String(), "--webrtc-port", "0")
	require.Equal(t, 1, status, stderr)
	require.Contains(t, stderr, "in use")
	store, err := c.open(t.Context(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	keys, err := store.AllKeys(t.Context())
	require.NoError(t, err)
	require.Empty(t, keys)
}

// A bootstrap key that is no good ends the start before anything is made for it:
// no port is opened, which a supervisor would see, and nothing is stored.
func TestABadBootstrapKeyIsFoundFirst(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // one listener of a test
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	start := func(data, key, says string) {
		t.Helper()
		status, _, stderr := command(t, "serve", "--data", data, "--listen", taken.Addr().String(), "--webrtc-port", "0", key)
		require.Equal(t, 1, status, stderr)
		require.Contains(t, stderr, says, "and not that the port is in use")
	}
	data := filepath.Join(t.TempDir(), "data")
	start(data, "--bootstrap-key=short", "at least 24 characters")
	start(data, "--bootstrap-key-file=/nowhere/key", "make it readable")
	require.NoDirExists(t, data)

	const revoked = "correct horse battery staple"
	c := serveCmd{dataFlags: dataFlags{Data: data}}
	store, err := c.open(t.Context(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	account, err := accountNamed(t.Context(), store, "shop", time.Now())
	require.NoError(t, err)
	key, err := sluice.KeyFromText(account, "bootstrap", revoked, time.Now())
	require.NoError(t, err)
	require.NoError(t, store.CreateKey(t.Context(), account, key))
	require.NoError(t, store.RevokeKey(t.Context(), account, key.ID, time.Now()))
	require.NoError(t, store.Close())
	start(data, "--bootstrap-key="+revoked, "was revoked")
	store, err = c.open(t.Context(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	accounts, err := store.Accounts(t.Context())
	require.NoError(t, err)
	require.Len(t, accounts, 1, "none was made for it")
	require.NoFileExists(t, c.eventKeyFile())
}
