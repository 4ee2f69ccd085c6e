package sqstest

import (
	"context"
	"sync"
	"time"
)

// A Fault is what goes wrong with one call. The zero value is nothing. Parts of it
// can be put together, and happen in the order of the fields.
type Fault struct {
	// Unread answers with Error, which must be set, before a byte of the request's body
	// is read.
	Unread bool
	// EarlyHead sends the head of a success before the request's body is read; the
	// rest follows as it would have. An Error then comes with status 200, which
	// nothing does: the two do not go together.
	EarlyHead bool
	// Hold blocks the call, before its work, until the channel is closed.
	Hold <-chan struct{}
	// Delay is waited before the work, on the process's clock.
	Delay time.Duration
	// Error is answered in place of the work.
	Error *Error
	// Page is answered in place of the work, as a proxy in front of the service does.
	Page *Page
	// Entry decides about each entry of a batch, by its place from 0 and its id:
	// nil does the entry's work, anything else is answered under Failed.
	Entry func(index int, id string) *EntryFault
	// Deaf makes a receive go on after its caller went away, and hand messages to
	// the connection that is no longer read.
	Deaf bool
	// Edit changes the answer of a call that succeeded, as JSON decodes it.
	Edit func(answer map[string]any)
	// HoldAnswer blocks the call, after its work, until the channel is closed.
	HoldAnswer <-chan struct{}
	// Drop cuts the connection.
	Drop Drop
}

// A Drop says when the connection is cut.
type Drop uint8

const (
	// Never leaves the connection alone.
	Never Drop = iota
	// BeforeWork cuts it when the request was read and nothing was done.
	BeforeWork
	// AfterWork does the work and cuts the connection in place of an answer.
	AfterWork
	// MidAnswer does the work and cuts the connection half way through the answer.
	MidAnswer
)

// Inject makes the next calls of op, a bare name such as DeleteMessageBatch, go
// wrong, one fault a call, in order. A zero Fault among them lets one call through.
func (s *Server) Inject(op string, next ...Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.once == nil {
		s.faults.once = map[string][]Fault{}
	}
	s.faults.once[op] = append(s.faults.once[op], next...)
}

// Always makes every call of op go wrong that Inject says nothing of, until Heal.
// An op of "" stands for every operation that has no fault of its own.
func (s *Server) Always(op string, f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if s.faults.standing == nil {
		s.faults.standing = map[string]Fault{}
	}
	s.faults.standing[op] = f
}

// OnCall asks decide about every call that Inject and Always say nothing of; nil
// asks nobody. Call.Op and Call.N are set. decide has to be safe for
// concurrent use, and may call the server.
func (s *Server) OnCall(decide func(Call) Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.decide = decide
}

// Heal forgets what Inject, Always and OnCall arranged. Calls under way keep theirs.
func (s *Server) Heal() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.once, s.faults.standing, s.faults.decide = nil, nil, nil
}

type faults struct {
	mu       sync.Mutex
	once     map[string][]Fault
	standing map[string]Fault
	decide   func(Call) Fault
}

func (f *faults) next(c Call) Fault {
	f.mu.Lock()
	if queue := f.once[c.Op]; len(queue) > 0 {
		f.once[c.Op] = queue[1:]
		f.mu.Unlock()
		return queue[0]
	}
	standing, ok := f.standing[c.Op]
	if !ok {
		standing, ok = f.standing[""]
	}
	decide := f.decide
	f.mu.Unlock()
	if ok || decide == nil {
		return standing
	}
	return decide(c)
}

// before does what comes before the work, and reports whether to go on.
func (f *Fault) before(ctx context.Context) bool {
	if !wait(ctx, f.Hold) {
		return false
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	return f.Drop != BeforeWork
}

// after does what comes between the work and the answer.
func (f *Fault) after(ctx context.Context) bool {
	return wait(ctx, f.HoldAnswer) && f.Drop != AfterWork
}

// wait blocks until hold is closed, and reports false when the caller went first.
func wait(ctx context.Context, hold <-chan struct{}) bool {
	if hold == nil {
		return true
	}
	select {
	case <-hold:
		return true
	case <-ctx.Done():
		return false
	}
}
