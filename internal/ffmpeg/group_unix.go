//go:build unix && !linux

package ffmpeg

import "syscall"

// ownGroup gives a child its own process group. It has no death signal here: it
// ends when its standard input does.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
