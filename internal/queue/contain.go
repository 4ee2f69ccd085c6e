package queue

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// errPanic marks what was a panic. bbolt may hold its locks for ever after it.
var errPanic = errors.New("panic")

// contain calls f and returns its panic as an error. bbolt panics on pages it cannot make sense
// of, and a mapped page that the disk does not give is a memory fault; neither may take the
// program down.
func contain(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return f()
}
