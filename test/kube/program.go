package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The times that a slow and busy machine is given.
const (
	waitTimeout = 5 * time.Minute  // for one thing to come about
	grace       = 30 * time.Second // for a program to end by itself
	interval    = 200 * time.Millisecond
)

// A program is one that was started here.
type program struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// start starts a program in a process group of its own, so that a Ctrl-C in the terminal
// reaches us alone and the parts end in their order. What it writes goes to logs.
func start(logs, name string, args ...string) (*program, error) {
	out, err := os.Create(filepath.Join(logs, name+".log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()            // the program has it too
	command := exec.Command(args[0], args[1:]...) //nolint:noctx // ends with stop, in its turn
	p := &program{name: name, cmd: command, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState says how it ended
		close(p.ended)
	}()
	return p, nil
}

// stop ends the program, by force if it does not end by itself.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(grace):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s did not end within %v and was killed", p.name, grace)
}

// over says whether the program has ended, which none may do before it is stopped.
func (p *program) over() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended: %v", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}

// await asks until what has come about. An answer's error is why it has not, and is
// reported when waitTimeout is over.
func await(ctx context.Context, what string, answer func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var last error
	for {
		err := answer(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err // and not one that the end of waiting has brought about
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w; last: %w", what, context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

// output runs a command and returns what it prints; what it says on stderr is part of
// the error.
func output(ctx context.Context, command ...string) (string, error) {
	return outputOf(ctx, "", command...)
}

// outputOf is output for a command that reads input.
func outputOf(ctx context.Context, input string, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
