package main

import (
	"fmt"
	"math"
	"syscall"
)

// raiseFileLimit raises the soft limit of open files to the hard one, and returns
// what holds afterwards. Go does so by itself at the start; it is done here so that
// the limits which follow from it do not hang on that.
func raiseFileLimit() (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1024, fmt.Errorf("read the limit of open files: %w", err) // what most systems give
	}
	have := uint64(l.Cur) //nolint:unconvert // it is signed on some systems
	if l.Cur < l.Max {
		l.Cur = l.Max
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
			return clampFiles(have), fmt.Errorf("raise the limit of open files to %d: %w", l.Max, err)
		}
		have = uint64(l.Max) //nolint:unconvert // as above
	}
	return clampFiles(have), nil
}

// clampFiles makes a number of it: no limit at all is 2⁶⁴ - 1.
func clampFiles(n uint64) int { return int(min(n, math.MaxInt32)) }
