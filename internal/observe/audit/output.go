package audit

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxPending is how many bytes of lines wait for a reader at most. As many more may be on
	// their way to it.
	maxPending = 1 << 20
	// lazyDelay is how long a line of WriteLater waits for others at most, and enough is how many bytes
	// of lines do not wait any longer: a wake-up and a write for every line would be most of its price.
	lazyDelay = 50 * time.Millisecond
	enough    = 32 << 10
	// maxIdleBuffer is the largest buffer that is kept for later lines.
	maxIdleBuffer = 4 * enough
)

// An Output passes lines to a writer that may be stuck or gone: a line waits in a bounded queue,
// and one for which there is no space, or which the writer refuses, is dropped and counted. It is
// safe for concurrent use.
type Output struct {
	w       io.Writer
	wake    chan struct{} // holds one token when there is something to do at once
	done    chan struct{} // closed when run has returned
	dropped atomic.Uint64

	mu      sync.Mutex
	pending []byte
	late    *time.Timer // ends when pending is to be passed on; stopped where nothing waits for that
	resumed func(dropped uint64)
	closed  bool
}

// NewOutput returns an Output that writes to w until Close.
func NewOutput(w io.Writer) *Output {
	o := &Output{w: w, wake: make(chan struct{}, 1), done: make(chan struct{}), resumed: func(uint64) {}, late: time.NewTimer(lazyDelay)}
	o.late.Stop()
	go o.run()
	return o
}

// OnResume has report called, from the goroutine that writes, when the writer has taken a line
// after others were dropped; dropped is how many since the last report. It is called once, before
// the first Write.
func (o *Output) OnResume(report func(dropped uint64)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.resumed = report
}

// Write takes one line, or several, each with its line break. It does not block and returns no
// error.
func (o *Output) Write(lines []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.add(lines) {
		o.drop(lines)
		return len(lines), nil
	}
	o.wakeUp()
	return len(lines), nil
}

// WriteLater takes lines as Write does, or reports that there is no space for them: then they are
// neither dropped nor counted. It does not block. The lines are passed on within lazyDelay, together
// with others.
func (o *Output) WriteLater(lines []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	none := len(o.pending) == 0
	switch {
	case !o.add(lines):
		return false
	case len(o.pending) >= enough:
		o.wakeUp()
	case none:
		o.late.Reset(lazyDelay)
	}
	return true
}

// add adds lines to what is pending, or reports that there is no space for them.
func (o *Output) add(lines []byte) bool {
	if o.closed || len(o.pending)+len(lines) > maxPending {
		return false
	}
	o.pending = append(o.pending, lines...)
	return true
}

// Dropped is how many lines were dropped.
func (o *Output) Dropped() uint64 { return o.dropped.Load() }

// Close waits until what was written before is passed on, or timeout is over: the writer may be
// stuck for good. It reports whether the writer is called no more. What is written afterwards is
// dropped. It is called once.
func (o *Output) Close(timeout time.Duration) bool {
	o.mu.Lock()
	o.closed = true
	o.wakeUp()
	o.mu.Unlock()
	select {
	case <-o.done:
		return true
	case <-time.After(timeout):
		return false
	}
}

func (o *Output) wakeUp() {
	select {
	case o.wake <- struct{}{}:
	default: // there is a token
	}
}

func (o *Output) drop(lines []byte) { o.dropped.Add(uint64(bytes.Count(lines, []byte("\n")))) }

// run passes on what is pending, all of it in one write, until the Output is closed.
func (o *Output) run() {
	defer close(o.done)
	var buffer []byte
	told := uint64(0)
	for {
		select {
		case <-o.wake:
		case <-o.late.C:
		}
		lines, closed := o.take(buffer)
		n, err := o.w.Write(lines)
		if err != nil {
			o.drop(lines[min(max(n, 0), len(lines)):])
		} else if dropped := o.dropped.Load(); dropped > told && len(lines) > 0 && !closed {
			o.resumed(dropped - told)
			told = dropped
		}
		if closed {
			return
		}
		if buffer = lines[:0]; cap(buffer) > maxIdleBuffer {
			buffer = nil
		}
	}
}

// take returns what is pending, and puts buffer in its place.
func (o *Output) take(buffer []byte) (lines []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.late.Stop()
	lines, o.pending = o.pending, buffer[:0]
	return lines, o.closed
}
