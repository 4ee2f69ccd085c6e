//go:build unix

package examples

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a slow and busy machine.
const patience = time.Minute

// A program is one that runs, with what it has written so far.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how, once ended is closed

	mu  sync.Mutex
	out bytes.Buffer
}

// start starts a command in a process group of its own, with env beside this
// process's environment. It is stopped when the test ends.
func start(t *testing.T, env []string, command ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{})}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "CARRIER_") && !strings.HasPrefix(e, "WORKER_") {
			p.cmd.Env = append(p.cmd.Env, e)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.WaitDelay = patience
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(patience):
			_ = p.cmd.Process.Kill()
			<-p.ended
		}
	})
	return p
}

// Write keeps what the program writes.
func (p *program) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(text)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// await waits until the program has written all the texts, one behind the other.
func (p *program) await(texts ...string) {
	p.t.Helper()
	for limit := time.Now().Add(patience); !inOrder(p.output(), texts); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			p.t.Fatalf("waited in vain for %q:\n%s", texts, p.output())
		}
	}
}

// listening is the URL that the program says it listens at.
func (p *program) listening() string {
	p.t.Helper()
	const says = "listening at "
	p.await(says, "\n")
	_, rest, _ := strings.Cut(p.output(), says)
	url, _, _ := strings.Cut(rest, "\n")
	return url
}

// stop sends s to the process group, as a terminal does, and waits for the end.
func (p *program) stop(s syscall.Signal) error {
	p.t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil {
		return err
	}
	return p.wait()
}

// wait waits for the end and returns how it was.
func (p *program) wait() error {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.err
	case <-time.After(patience):
		return errors.New("it goes on and on")
	}
}

// inOrder checks that the texts were written one behind the other.
func (p *program) inOrder(texts ...string) {
	p.t.Helper()
	if !inOrder(p.output(), texts) {
		p.t.Errorf("not in this order: %q\n%s", texts, p.output())
	}
}

func inOrder(out string, texts []string) bool {
	for _, text := range texts {
		var found bool
		if _, out, found = strings.Cut(out, text); !found {
			return false
		}
	}
	return true
}

// freeAddress is one that nobody listens at now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
