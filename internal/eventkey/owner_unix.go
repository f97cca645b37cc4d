//go:build unix

package eventkey

import (
	"io/fs"
	"syscall"
)

// belongsTo is whom a file belongs to.
func belongsTo(info fs.FileInfo) (user, group int) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), int(stat.Gid)
	}
	return 0, 0
}
