// Package trail keeps the audit trail: what was attempted for each message and how it was settled, in
// memory, on stdout or in files. Nothing of a body or of a header's value is in it.
package trail

import (
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/observe/audit"
)

// remembered is how many attempts, and how many settlements, are in memory.
const remembered = 1000

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
	// Stdout takes the lines, between others.
	Stdout *audit.Output
	// Dir holds the files: it is made, with mode 0700, if it is not there. A file has at most
	// MaxSize bytes, at least one line; there are at most MaxFiles of them, the current one included;
	// one whose last line is older than MaxAge is removed, unless that is zero.
	Dir      string
	MaxSize  int64
	MaxFiles int
	MaxAge   time.Duration
	// Failed is told that a file cannot be written, once until it can be again; nil tells nobody.
	Failed func(error)
}

// A Trail is safe for concurrent use, and no method but Open and Close blocks.
type Trail struct {
	failuresOnly bool
	output       *audit.Output // nil where nothing is written
	files        *files        // nil where there are none
	refused      atomic.Uint64

	mu          sync.Mutex
	attempts    ring[Attempt]
	settlements ring[Settlement]
}

// Open begins a trail. With Files it fails where the directory cannot be written.
func Open(o Options) (*Trail, error) {
	t := &Trail{failuresOnly: o.FailuresOnly}
	switch o.Where {
	case Stdout:
		t.output = o.Stdout
	case Files:
		f, err := openFiles(o)
		if err != nil {
			return nil, err
		}
		t.files, t.output = f, audit.NewOutput(f)
	}
	return t, nil
}

// Attempt notes one attempt. It does not wait: what cannot be written in time is counted.
func (t *Trail) Attempt(a Attempt) {
	a.Event = attempted
	t.mu.Lock()
	t.attempts.add(a)
	t.mu.Unlock()
	if t.writes(a.Outcome) {
		var line [longestUsual]byte
		t.write(a.appendLine(line[:0]))
	}
}

// Settlement notes how one message ended, likewise.
func (t *Trail) Settlement(s Settlement) {
	s.Event = settled
	t.mu.Lock()
	t.settlements.add(s)
	t.mu.Unlock()
	if t.writes(s.Outcome) {
		var line [longestUsual]byte
		t.write(s.appendLine(line[:0]))
	}
}

// writes reports whether there is a line for a record that ended so.
func (t *Trail) writes(outcome string) bool {
	return t.output != nil && (!t.failuresOnly || outcome != delivered)
}

// write hands one line on, and counts it where there is no place for it.
func (t *Trail) write(line []byte) {
	if !t.output.WriteLater(line) {
		t.refused.Add(1)
	}
}

// Dropped is how many lines could not be written, as far as that shows: what stdout's reader refuses
// counts as a line of the log.
func (t *Trail) Dropped() uint64 {
	n := t.refused.Load()
	if t.files != nil {
		n += t.output.Dropped()
	}
	return n
}

// Close writes what waits, and closes the file, for as long as timeout. It is called once.
func (t *Trail) Close(timeout time.Duration) {
	if t.files != nil && t.output.Close(timeout) {
		t.files.close()
	}
}
