package ffmpeg

import "syscall"

// ownGroup gives a child its own process group and has the kernel kill it when
// the server dies, however it dies.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
