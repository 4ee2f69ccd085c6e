package test

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
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

// A program is one run of the binary.
type program struct {
	*programtest.Program
	t              *testing.T
	admin          string
	stdout, stderr programtest.Output
	code           int // once wait has returned
}

// launch starts the binary. It is ended with the test, if it has not ended before.
func launch(t *testing.T, e env, args ...string) *program {
	t.Helper()
	p := &program{t: t, admin: e["CARRIER_ADMIN_ADDRESS"]}
	cmd := exec.Command(binary, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for name, value := range e {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Dir = t.TempDir()
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	t.Cleanup(func() { p.lookBack(args) }) // runs when Start's has ended the program
	p.Program = programtest.Start(t, cmd)
	return p
}

// run runs the binary to its end.
func run(t *testing.T, e env, args ...string) *program {
	t.Helper()
	p := launch(t, e, args...)
	p.wait()
	return p
}

// lookBack fails the test for what no program may have said.
func (p *program) lookBack(args []string) {
	for _, bad := range []string{"DATA RACE", "panic:", "goroutine "} {
		if strings.Contains(p.stderr.String(), bad) {
			p.t.Errorf("the program said %q on stderr", bad)
		}
	}
	if strings.Contains(p.stdout.String(), "a panic was caught") {
		p.t.Error("the program has caught a panic")
	}
	if p.t.Failed() {
		p.t.Logf("%v said on stdout:\n%s\nand on stderr:\n%s", args, tail(p.stdout.String()), tail(p.stderr.String()))
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

// wait waits for the program's end.
func (p *program) wait() {
	p.t.Helper()
	p.code = p.Wait()
}

// stop ends the program with SIGTERM, which has to be in order.
func (p *program) stop() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	p.wait()
	if p.code != 0 {
		p.t.Errorf("after SIGTERM the program ended with %d, want 0", p.code)
	}
}

// kill ends the program immediately.
func (p *program) kill() {
	p.t.Helper()
	p.Signal(syscall.SIGKILL)
	p.wait()
}

// awaitReady waits for /readyz to say yes.
func (p *program) awaitReady() {
	p.t.Helper()
	until(p.t, "/readyz 200", func() bool {
		select {
		case <-p.Ended():
			p.t.Fatalf("the program ended with %d before it was ready", p.Wait())
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
