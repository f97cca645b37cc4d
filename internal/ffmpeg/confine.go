package ffmpeg

import (
	"context"
	"os/exec"
	"path/filepath"
)

// Confinement is what keeps FFmpeg, which parses the bytes of strangers, from
// the rest of the machine. The zero value runs it like any other child.
type Confinement struct {
	on         bool
	landlock   bool
	namespaces uintptr // clone flags
}

// command is a run of program inside the confinement.
func (c Confinement) command(ctx context.Context, program string, args []string) *exec.Cmd {
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if !c.on || err != nil { // what is not found fails to start, and says so
		cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- argument list, no shell, built by this package
		cmd.SysProcAttr = ownGroup()
		return cmd
	}
	cmd := exec.CommandContext(ctx, ownProgram, append([]string{wrapperCommand, c.layers(), path}, args...)...) // #nosec G204 -- our own program
	cmd.SysProcAttr = ownGroup()
	c.separate(cmd.SysProcAttr)
	return cmd
}
