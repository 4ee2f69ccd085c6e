//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// A child is a program that was started here.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how, once ended is closed
}

// start starts a program in a process group of its own: the terminal sends a Ctrl-C
// to the whole group, and the worker must not hear it.
func start(command ...string) (*child, error) {
	c := &child{cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{})} //nolint:noctx,gosec // it is stopped with a signal; the command line names it
	c.cmd.Stdout, c.cmd.Stderr = os.Stdout, os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// signal passes s on. A program that has ended already needs none.
func (c *child) signal(s os.Signal) {
	if s == syscall.SIGHUP {
		s = syscall.SIGTERM // the terminal is gone; nobody reads a reloaded configuration
	}
	_ = c.cmd.Process.Signal(s)
}

// stop asks the program to end, and waits until it has.
func (c *child) stop() {
	c.signal(syscall.SIGTERM)
	<-c.ended
}

// failure is how a program ended that should not have.
func (c *child) failure() error {
	if c.err == nil {
		return errors.New("exit status 0")
	}
	return c.err
}
