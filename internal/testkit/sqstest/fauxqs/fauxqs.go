//go:build unix

// Package fauxqs starts the independent SQS server that the conformance suites
// also run against; README.md says which one, and what it does differently.
package fauxqs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How long each step may take on a machine that is slow and busy.
const (
	startLimit = time.Minute
	stopLimit  = 5 * time.Second
)

// Start runs a server with no queues and returns its endpoint, such as
// http://127.0.0.1:40123. It stops with the test. A test that cannot have the server
// fails. Sign for us-east-1: the server keeps queues of other regions apart.
func Start(tb testing.TB) (endpoint string) {
	tb.Helper()
	dir, err := folder()
	if err != nil {
		tb.Fatalf("fauxqs: %v", err)
	}
	node, err := install(dir)
	if err != nil {
		tb.Fatalf("fauxqs cannot be installed; it needs npm and a registry: %v", err)
	}
	p, err := launch(dir, node)
	if err != nil {
		tb.Fatalf("fauxqs does not start: %v", err)
	}
	tb.Cleanup(func() {
		p.stop()
		if tb.Failed() && p.errors.Len() > 0 {
			tb.Logf("fauxqs said: %s", p.errors.String())
		}
	})
	if err := ready(p.endpoint); err != nil {
		tb.Fatalf("fauxqs does not answer: %v", err)
	}
	return p.endpoint
}

// folder finds this folder from wherever in the module the test runs.
func folder() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "internal", "testkit", "sqstest", "fauxqs")
		if _, err := os.Stat(filepath.Join(dir, "package-lock.json")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("its folder is not in this module")
		}
		at = up
	}
}

// A process is one running server.
type process struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	exited   chan struct{}
	endpoint string
	errors   strings.Builder // read once exited is closed
}

// launch starts the server and waits until it says where it listens.
func launch(dir, node string) (*process, error) {
	p := &process{exited: make(chan struct{})}
	p.cmd = exec.Command(node, "serve.mjs") //nolint:noctx // ended by stop, not by a context
	p.cmd.Dir = dir
	p.cmd.Stderr = &p.errors
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first := make(chan string, 1)
	go p.watch(stdout, first)
	select {
	case line := <-first:
		p.endpoint = strings.TrimSpace(line)
	case <-time.After(startLimit):
	}
	if !strings.HasPrefix(p.endpoint, "http://") {
		p.stop()
		return nil, fmt.Errorf("it said %q in place of its address; %s", p.endpoint, p.errors.String())
	}
	return p, nil
}

// watch hands on the first line of stdout, reads the rest, and waits for the end.
func (p *process) watch(stdout io.Reader, first chan<- string) {
	defer close(p.exited)
	r := bufio.NewReader(stdout)
	line, _ := r.ReadString('\n')
	first <- line
	_, _ = io.Copy(io.Discard, r)
	_ = p.cmd.Wait()
}

// stop asks the server to end, and makes it end if it does not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.stdin.Close()
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// ready waits until the server answers.
func ready(endpoint string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/health", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
