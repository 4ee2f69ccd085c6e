package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"carrier/internal/deadletter"
)

const (
	// barEvery and lineEvery are how often the progress is shown, at most.
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
)

// A progress shows how far a redrive is: a bar on a terminal, a line now and then elsewhere. It is
// safe for concurrent use.
type progress struct {
	out      io.Writer
	what     string
	terminal bool

	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	last time.Time
}

func newProgress(out io.Writer, what string) *progress {
	f, isFile := out.(*os.File)
	return &progress{out: out, what: what, terminal: isFile && term.IsTerminal(int(f.Fd())), last: time.Now()} //nolint:gosec // a file's number
}

// report shows p.
func (s *progress) report(p deadletter.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal {
		if time.Since(s.last) >= lineEvery {
			s.last = time.Now()
			_ = say(s.out, "%s: %d moved, %d left%s\n", s.what, p.Moved, p.Left, unmoved(p))
		}
		return
	}
	done := p.Moved + p.Failed
	if s.bar == nil {
		s.bar = progressbar.NewOptions(max(done+p.Left, 1), progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription(s.what),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(barEvery), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	s.bar.ChangeMax(max(done+p.Left, 1))
	_ = s.bar.Set(done)
}

// clear takes the bar off the terminal, so that a line can be written.
func (s *progress) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
	}
}
