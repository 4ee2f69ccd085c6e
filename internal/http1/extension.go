package http1

import (
	"sync"
	"time"
)

// An Extension moves the deadline of one request while its answer is waited for; after the head of
// the answer it changes nothing. The zero Extension is ready for use. Its methods are safe for
// concurrent use.
type Extension struct {
	mu    sync.Mutex
	until time.Time // the deadline, or the one asked for before there was a connection
	conn  *conn     // nil unless the answer's head is waited for
}

// PutOff makes until the request's deadline, if that is later than it was.
func (e *Extension) PutOff(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if until.After(e.until) {
		e.set(until)
	}
}

// BringForward makes until the request's deadline, if that is earlier than it was. Before there is a
// connection it changes nothing.
func (e *Extension) BringForward(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil && until.Before(e.until) {
		e.set(until)
	}
}

// set is called with the lock held.
func (e *Extension) set(until time.Time) {
	e.until = until
	if e.conn == nil {
		return
	}
	_ = e.conn.SetDeadline(until)
	select {
	case <-e.conn.ends: // its end may have cut it off before this deadline was set
		e.conn.cut()
	default:
	}
}

// begin gives k the deadline, at least, of a request that is sent on it.
func (e *Extension) begin(k *conn, deadline time.Time) error {
	if e == nil {
		return k.SetDeadline(deadline)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if deadline.After(e.until) {
		e.until = deadline
	}
	e.conn = k
	return k.SetDeadline(e.until)
}

// end lets go of the connection: another request may be sent on it, or the answer's body is read.
func (e *Extension) end() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conn = nil
}
