// Package contain turns panics into errors, so that the fault of one message, batch or request
// does not end a program that holds others.
package contain

import (
	"fmt"
	"runtime/debug"
)

// A Panic is the error that a panic became.
type Panic struct {
	// Value is what was passed to panic.
	Value any
	// Stack is the stack of the goroutine at the panic, as runtime/debug.Stack prints it.
	Stack []byte
}

// Error says the value and not the stack, which fills many lines.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap returns the value where it is an error, else nil.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Call calls f and returns its error, or a *Panic where f panicked. It cannot contain panics of
// goroutines that f starts. It is safe for concurrent use.
func Call(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
