package sluice_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// S25: neither an older patch level that is installed nor one that go.mod asks for
// brings faults of the standard library that are known.
func TestToolchainIsPatched(t *testing.T) {
	for version, good := range map[string]bool{
		"go1.25.9": false, "go1.26": false, "go1.26.0": false, "go1.26.3": false, "go1.26rc1": false,
		"go1.26.4": true, "go1.26.10": true, "go1.27.0": true, "go1.26.8 X:nodwarf5": true,
	} {
		out, err := checkToolchain(t, version)
		require.Equal(t, good, err == nil, "%s: %s", version, out)
		if !good {
			require.Contains(t, out, "1.26.4 or newer is needed", version)
		}
	}
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	named := regexp.MustCompile(`(?m)^toolchain (go\S+)$`).FindSubmatch(mod)
	require.NotNil(t, named, "go.mod names a patch level")
	out, err := checkToolchain(t, string(named[1]))
	require.NoError(t, err, out)
}

// checkToolchain runs the check of what is installed where go is of a version.
func checkToolchain(t *testing.T, version string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	program := "#!/bin/sh\necho '" + version + "'\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go"), []byte(program), 0o700)) //nolint:gosec // G306: it is run
	cmd := exec.CommandContext(t.Context(), "scripts/check-toolchain.sh")
	cmd.Env = append(os.Environ(), "PATH="+folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
