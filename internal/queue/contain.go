package queue

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// errPanic marks what was a panic. bbolt's locks are held still, perhaps.
var errPanic = errors.New("panic")

// contained calls f and returns its panic as an error. bbolt panics on pages it cannot
// make sense of, and a mapped page that the disk does not give is a memory fault; neither
// may take the program down, since it would go down again at every start.
func contained(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer contain(&err)
	return f()
}

// contain is deferred; it turns a panic into err.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errPanic, r)
	}
}
