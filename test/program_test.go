package test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An env is the environment of one run: nothing else is in it but what the system needs.
type env map[string]string

// with returns e and more; more wins.
func (e env) with(more env) env {
	all := maps.Clone(e)
	if all == nil {
		all = env{}
	}
	maps.Copy(all, more)
	return all
}

// An output keeps what a process writes. It may be read meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// A program is one run of the binary.
type program struct {
	t              *testing.T
	cmd            *exec.Cmd
	admin          string
	stdout, stderr output
	exited         chan struct{}
	code           int
}

// launch starts the binary. It is ended with the test, if it has not ended before.
func launch(t *testing.T, e env, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(binary, args...), admin: e["CARRIER_ADMIN_ADDRESS"], exited: make(chan struct{})}
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for name, value := range e {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	must(t, p.cmd.Start())
	go func() {
		defer close(p.exited)
		var exit *exec.ExitError
		if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
			p.code = -2
			return
		}
		p.code = p.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(p.cleanUp)
	return p
}

// run runs the binary to its end.
func run(t *testing.T, e env, args ...string) *program {
	t.Helper()
	p := launch(t, e, args...)
	p.wait()
	return p
}

func (p *program) cleanUp() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(limit):
		p.t.Errorf("the program did not end within %v of SIGTERM", limit)
		p.signal(syscall.SIGKILL)
		<-p.exited
	}
	for _, bad := range []string{"DATA RACE", "panic:", "goroutine "} {
		if strings.Contains(p.stderr.String(), bad) {
			p.t.Errorf("the program said %q on stderr", bad)
		}
	}
	if strings.Contains(p.stdout.String(), "panic contained") {
		p.t.Error("the program has contained a panic")
	}
	if p.t.Failed() {
		p.t.Logf("%v said on stdout:\n%s\nand on stderr:\n%s", p.cmd.Args[1:], tail(p.stdout.String()), tail(p.stderr.String()))
	}
}

// tail is the end of a long text.
func tail(s string) string {
	const most = 16 << 10
	if len(s) > most {
		return "...\n" + s[len(s)-most:]
	}
	return s
}

func (p *program) signal(s syscall.Signal) {
	select {
	case <-p.exited:
	default:
		_ = p.cmd.Process.Signal(s)
	}
}

// wait waits for the program's end.
func (p *program) wait() {
	p.t.Helper()
	wait(p.t, "the program's end", p.exited)
}

// stop ends the program with SIGTERM, which has to be in order.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.wait()
	if p.code != 0 {
		p.t.Errorf("after SIGTERM the program ended with %d, want 0", p.code)
	}
}

// kill ends the program at once.
func (p *program) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.wait()
}

// awaitReady waits for /readyz to say yes.
func (p *program) awaitReady() {
	p.t.Helper()
	until(p.t, "/readyz 200", func() bool {
		select {
		case <-p.exited:
			p.t.Fatalf("the program ended with %d before it was ready", p.code)
		default:
		}
		return p.ask("/readyz").Status == http.StatusOK
	})
}

// ask makes a GET at the admin port.
func (p *program) ask(path string) reply {
	p.t.Helper()
	return call(p.t, http.MethodGet, "http://"+p.admin+path)
}
