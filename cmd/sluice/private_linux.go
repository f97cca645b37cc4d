package main

import (
	"log/slog"
	"os"

	"golang.org/x/sys/unix"
)

// keepPrivate keeps other processes of root, such as FFmpeg, which reads what
// strangers send, from the server's memory and environment, where keys are. The
// kernel then shows them to those with CAP_SYS_PTRACE only, debuggers included.
//
// A server of another user stays as it is: what the kernel hides from its other
// processes it hides from itself, too, and it could no longer set up the user
// namespace that FFmpeg runs in.
func keepPrivate(log *slog.Logger) {
	if os.Geteuid() != 0 {
		return
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		log.Warn("the server's memory is open to other processes of its user", "err", err)
	}
}
