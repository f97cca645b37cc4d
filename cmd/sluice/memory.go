package main

import (
	"log/slog"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare leaves the other half to FFmpeg, which takes more than the server.
const memoryShare = 0.5

// maxMemoryLimit is a petabyte, in megabytes.
const maxMemoryLimit = 1 << 30

// limitMemory tells Go's collector how much memory to stay within. Without a limit
// it lets the heap of a crowd grow to twice what is in use.
func (c *serveCmd) limitMemory(log *slog.Logger) {
	if c.MemoryLimit > 0 {
		debug.SetMemoryLimit(c.MemoryLimit << 20)
	} else if _, err := memlimit.Set( // keeps what GOMEMLIMIT says
		memlimit.WithRatio(memoryShare),
		memlimit.WithProvider(memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)),
	); err != nil {
		log.Warn("cannot find out how much memory there is, so there is no limit of it; set --memory-limit", "err", err)
	}
	log.Debug("memory limit", "bytes", debug.SetMemoryLimit(-1))
}
