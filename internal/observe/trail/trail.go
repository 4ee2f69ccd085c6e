// Package trail keeps the audit trail: what was attempted for each message and how it was settled, in
// memory, on stdout or in files. Nothing of a body or of a header's value is in it.
package trail

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// remembered is how many attempts, and how many settlements, are in memory.
	remembered = 1000
	// maxWaiting is how many records wait to be written at most.
	maxWaiting = 8192
)

// Where the lines go.
type Where int

const (
	// Nowhere keeps the last ones in memory alone.
	Nowhere Where = iota
	// Stdout writes them to Options.Stdout.
	Stdout
	// Files writes them to files in Options.Dir.
	Files
)

// Options says where the trail goes.
type Options struct {
	Where Where
	// FailuresOnly leaves out what was delivered, of lines alone: all is in memory.
	FailuresOnly bool
	// Stdout takes whole lines; its Write must not block.
	Stdout io.Writer
	// Dir holds the files: it is made, with mode 0700, if it is not there. A file has at most
	// MaxSize bytes, at least one line; there are at most MaxFiles of them, the current one included;
	// one whose last line is older than MaxAge is removed.
	Dir      string
	MaxSize  int64
	MaxFiles int
	MaxAge   time.Duration
	// Failed is told that a file cannot be written, once until it can be again; nil tells nobody.
	Failed func(error)
}

// A Trail is safe for concurrent use, and no method but Open, Close and Find blocks.
type Trail struct {
	options Options
	dropped atomic.Uint64
	waiting chan any // *Attempt or *Settlement; nil where nothing is written
	done    chan struct{}

	mu          sync.Mutex
	closed      bool
	attempts    ring[Attempt]
	settlements ring[Settlement]
}

// Open begins a trail. With Files it fails where the directory cannot be written.
func Open(o Options) (*Trail, error) {
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	t := &Trail{options: o, done: make(chan struct{})}
	var w sink
	switch o.Where {
	case Stdout:
		w = stdout{o.Stdout}
	case Files:
		f, err := openFiles(o)
		if err != nil {
			return nil, err
		}
		w = f
	default:
		close(t.done)
		return t, nil
	}
	t.waiting = make(chan any, maxWaiting)
	go t.write(w)
	return t, nil
}

// Attempt notes one attempt. It does not wait: what cannot be written in time is counted.
func (t *Trail) Attempt(a Attempt) {
	a.Event = attempted
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts.add(a)
	if t.waiting == nil || t.options.FailuresOnly && a.Outcome == delivered {
		return
	}
	t.pass(a)
}

// Settlement notes how one message ended, likewise.
func (t *Trail) Settlement(s Settlement) {
	s.Event = settled
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settlements.add(s)
	if t.waiting == nil || t.options.FailuresOnly && s.Outcome == delivered && s.OK {
		return
	}
	t.pass(s)
}

// pass hands a record to the writer. The lock is held.
func (t *Trail) pass(record any) {
	if t.closed {
		t.dropped.Add(1)
		return
	}
	select {
	case t.waiting <- record:
	default:
		t.dropped.Add(1)
	}
}

// Dropped is how many lines could not be written.
func (t *Trail) Dropped() uint64 { return t.dropped.Load() }

// Close writes what waits, and closes the file, for as long as timeout. It is called once.
func (t *Trail) Close(timeout time.Duration) {
	t.mu.Lock()
	t.closed = true
	if t.waiting != nil {
		close(t.waiting)
	}
	t.mu.Unlock()
	select {
	case <-t.done:
	case <-time.After(timeout):
	}
}
