//go:build unix && !linux

package ffmpeg

import (
	"context"
	"syscall"
)

const ownProgram, wrapperCommand = "", ""

// Confine has nothing to offer here: what it needs is Linux's.
func Confine(context.Context, string) (c Confinement, missing []string) {
	return Confinement{}, []string{"all of it: this system is not Linux"}
}

// RunConfined is for Linux only.
func RunConfined([]string, []string) (status int, asked bool) { return 0, false }

func (c Confinement) layers() string { return "" }

func (c Confinement) separate(*syscall.SysProcAttr) {}
