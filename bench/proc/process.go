// Package proc starts the benchmark's programs and asks the operating system what they
// cost. Costs need Linux.
package proc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"carrier/bench/control"
)

// A Process is a running program. Its methods are safe for concurrent use.
type Process struct {
	control.Ready
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
	name  string
}

// startTimeout is how long a program may take to say that it listens.
const startTimeout = 20 * time.Second

// A Command is a program to start.
type Command struct {
	Path string
	Args []string
	Env  []string // in place of this program's own, where it is not nil
	Dir  string
	// Log takes standard error, and standard output where Quiet is set.
	Log io.Writer
	// Quiet is set for a program that does not say where it listens.
	Quiet bool
}

// Start starts c in a process group of its own, so that a Ctrl-C at the terminal
// reaches only the runner, and waits until it says where it listens.
func Start(c Command) (*Process, error) {
	cmd := exec.Command(c.Path, c.Args...) //nolint:noctx,gosec // ended by Stop; the runner built it
	cmd.Env, cmd.Dir, cmd.Stderr = c.Env, c.Dir, c.Log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, stdin: stdin, done: make(chan struct{}), name: c.Path}
	var stdout io.Reader = strings.NewReader("{}\n")
	if c.Quiet {
		cmd.Stdout = c.Log
	} else if stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go p.own(stdout, ready)
	select {
	case err = <-ready:
	case <-time.After(startTimeout):
		err = errors.New("does not say where it listens")
	}
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	return p, nil
}

// own reads where the program listens, and waits for its end.
func (p *Process) own(stdout io.Reader, ready chan<- error) {
	defer close(p.done)
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.Ready)
	}
	ready <- err
	_, _ = io.Copy(io.Discard, stdout)
	_ = p.cmd.Wait() // ExitCode tells
}

// Pid is the program's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode is the program's exit code, -1 when a signal ended it. It is for use after
// Done only.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends s, to this process and no other.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop ends the program and waits until it has ended: by the end of its standard input
// where it listens to that, else by force.
func (p *Process) Stop() {
	_ = p.stdin.Close()
	waitTimeout := 2 * time.Second
	if p.Control == "" {
		waitTimeout = 0
	}
	select {
	case <-p.done:
		return
	case <-time.After(waitTimeout):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Ask reads the program's stats into v.
func (p *Process) Ask(ctx context.Context, v any) error {
	return p.ask(ctx, http.MethodGet, "/stats", func(response *http.Response) error {
		return json.NewDecoder(response.Body).Decode(v)
	})
}

// Order sends the program an order, such as /fill?n=10.
func (p *Process) Order(ctx context.Context, path string) error {
	return p.ask(ctx, http.MethodPost, path, func(response *http.Response) error {
		if response.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
			return fmt.Errorf("%s %s: %s: %s", p.name, path, response.Status, text)
		}
		return nil
	})
}

// ask makes one request at the program's control address, and has read look at the answer.
func (p *Process) ask(ctx context.Context, method, path string, read func(*http.Response) error) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.Control+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}
