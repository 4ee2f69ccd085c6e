package queuefile

import (
	"errors"
	"runtime/debug"

	"carrier/internal/contain"
)

// Contained calls f and returns its panic as an error. bbolt panics on pages it cannot make sense
// of, and a mapped page that the disk does not give is a memory fault; neither may take the
// program down.
func Contained(f func() error) error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return contain.Call(f)
}

// IsPanic says that err was a panic: bbolt may hold its locks for ever after it.
func IsPanic(err error) bool {
	var panicked *contain.Panic
	return errors.As(err, &panicked)
}
