// Package programtest starts programs for tests, and finds them addresses.
package programtest

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Limit is how long a program may take to end, on a machine that is slow and busy.
const Limit = time.Minute

// A Program is one that was started. Its methods are safe for concurrent use, but for Wait, which
// is for the test's own goroutine.
type Program struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts cmd, and ends the test where that fails. The program is ended with the test,
// if it has not ended before: by SIGTERM, and by SIGKILL after Limit, which is an error.
func Start(t *testing.T, cmd *exec.Cmd) *Program {
	t.Helper()
	cmd.WaitDelay = 2 * Limit // a program that this one started, and left behind, has its output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Program{t: t, cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in its state
	}()
	t.Cleanup(p.end)
	return p
}

func (p *Program) end() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(Limit):
		p.t.Errorf("%s did not end within %v of SIGTERM", p.cmd.Path, Limit)
		p.Signal(syscall.SIGKILL)
		<-p.ended
	}
}

// Signal sends s to the program, and to its process group where it leads one. A program
// that has ended gets none.
func (p *Program) Signal(s syscall.Signal) {
	select {
	case <-p.ended:
		return
	default:
	}
	if attr := p.cmd.SysProcAttr; attr != nil && attr.Setpgid {
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
		return
	}
	_ = p.cmd.Process.Signal(s)
}

// Ended is closed when the program has ended and what it wrote is read, to the end also of
// what it started.
func (p *Program) Ended() <-chan struct{} { return p.ended }

// Wait waits for the end and returns the exit code, -1 after a signal. It ends the test
// where the program goes on for longer than Limit.
func (p *Program) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(Limit):
		p.t.Fatalf("%s goes on for more than %v", p.cmd.Path, Limit)
		return 0
	}
}

// An Output keeps what a program writes. It may be read meanwhile.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write never fails.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
