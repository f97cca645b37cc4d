package live

import (
	"fmt"
	"runtime/debug"
)

// whyFault is what a user is told after a panic.
const whyFault = "a fault in the server; its log says which"

// panicError is a panic that was caught, so that it ends one stream and not the
// server.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// guarded makes a panic of f an error.
func guarded(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = &panicError{v, debug.Stack()}
			}
		}()
		return f()
	}
}
