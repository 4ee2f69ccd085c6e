package sqstest

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A Call is one request that reached the server, whatever became of it.
type Call struct {
	At time.Time
	// Op is the operation's bare name.
	Op string
	// N counts the calls of Op, from 1.
	N int
	// Credential is who signed the request, as its Authorization header names it;
	// empty where nobody did.
	Credential string
}

type callLog struct {
	mu   sync.Mutex
	all  []Call
	n    map[string]int
	open map[string]int
	most map[string]int
}

func (l *callLog) begin(op string, c Call) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n == nil {
		l.n, l.open, l.most = map[string]int{}, map[string]int{}, map[string]int{}
	}
	l.n[op]++
	l.open[op]++
	l.most[op] = max(l.most[op], l.open[op])
	c.N = l.n[op]
	l.all = append(l.all, c)
	return c.N
}

func (l *callLog) end(op string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[op]--
}

// Calls returns how many calls of op have come in.
func (s *Server) Calls(op string) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return s.calls.n[op]
}

// CallCounts returns how many calls of each operation have come in.
func (s *Server) CallCounts() map[string]int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return maps.Clone(s.calls.n)
}

// CallLog returns every call so far, in the order they came in.
func (s *Server) CallLog() []Call {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return slices.Clone(s.calls.all)
}

// Open returns how many calls of op are being answered now. A caller that has gone
// is noticed a moment later.
func (s *Server) Open(op string) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return s.calls.open[op]
}

// MostOpen returns the most calls of op that were being answered at the same time.
func (s *Server) MostOpen(op string) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return s.calls.most[op]
}
