package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"carrier/internal/deadletter"
)

const (
	// barEvery and lineEvery are how often the progress is shown, at most.
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 30
	// toLineStart goes back to the beginning of a terminal's line and clears it.
	toLineStart = "\r\x1b[K"
)

// A progress shows how far a redrive is: a bar on a terminal, a line now and then elsewhere. It is
// safe for concurrent use.
type progress struct {
	out      io.Writer
	what     string
	terminal bool

	mu    sync.Mutex
	last  time.Time
	shown bool // there is a bar on the terminal
}

// newProgress shows a bar where out is a device such as a terminal.
func newProgress(out io.Writer, what string) *progress {
	s := &progress{out: out, what: what, last: time.Now()}
	if f, ok := out.(*os.File); ok {
		found, err := f.Stat()
		s.terminal = err == nil && found.Mode()&os.ModeCharDevice != 0
	}
	return s
}

// report shows p, unless something was shown a moment ago.
func (s *progress) report(p deadletter.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	every := lineEvery
	if s.terminal {
		every = barEvery
	}
	if time.Since(s.last) < every {
		return
	}
	s.last = time.Now()
	if !s.terminal {
		_ = say(s.out, "%s: %d moved, %d left%s\n", s.what, p.Moved, p.Left, unmoved(p))
		return
	}
	s.shown = true
	_ = say(s.out, "%s%s %s %d moved, %d left%s", toLineStart, s.what, bar(p), p.Moved, p.Left, unmoved(p))
}

// bar is p as a picture.
func bar(p deadletter.Progress) string {
	done := p.Moved + p.Failed
	filled := barWidth * done / max(done+p.Left, 1)
	return "[" + strings.Repeat("=", filled) + strings.Repeat(" ", barWidth-filled) + "]"
}

// clear takes the bar off the terminal, so that a line can be written.
func (s *progress) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		s.shown = false
		_ = say(s.out, "%s", toLineStart)
	}
}
