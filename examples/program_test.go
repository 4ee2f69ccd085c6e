//go:build unix

package examples

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"carrier/internal/testkit/programtest"
)

// waitTimeout is how long anything may take on a slow and busy machine.
const waitTimeout = programtest.Limit

// A program is one that runs, with what it has written so far.
type program struct {
	*programtest.Program
	t   *testing.T
	out programtest.Output
}

// start starts a command in a process group of its own, with env beside this
// process's environment. It is stopped when the test ends.
func start(t *testing.T, env []string, command ...string) *program {
	t.Helper()
	p := &program{t: t}
	cmd := exec.Command(command[0], command[1:]...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "CARRIER_") && !strings.HasPrefix(e, "WORKER_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Program = programtest.Start(t, cmd)
	return p
}

// await waits until the program has written all the texts, one behind the other.
func (p *program) await(texts ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(waitTimeout); !inOrder(p.out.String(), texts); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain for %q:\n%s", texts, p.out.String())
		}
	}
}

// lines waits until the program has written count lines that match, and returns them.
func (p *program) lines(pattern string, count int) []string {
	p.t.Helper()
	matching := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(waitTimeout); ; time.Sleep(5 * time.Millisecond) {
		if found := matching.FindAllString(p.out.String(), -1); len(found) >= count {
			return found
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain for %d lines that match %q:\n%s", count, pattern, p.out.String())
		}
	}
}

// listening is the URL that the program says it listens at.
func (p *program) listening() string {
	p.t.Helper()
	const says = "listening at "
	p.await(says, "\n")
	_, rest, _ := strings.Cut(p.out.String(), says)
	url, _, _ := strings.Cut(rest, "\n")
	return url
}

// stop sends s to the process group, as a terminal does, and returns the exit code.
func (p *program) stop(s syscall.Signal) int {
	p.t.Helper()
	p.Signal(s)
	return p.Wait()
}

// inOrder checks that the texts were written one behind the other.
func (p *program) inOrder(texts ...string) {
	p.t.Helper()
	if !inOrder(p.out.String(), texts) {
		p.t.Errorf("not in this order: %q\n%s", texts, p.out.String())
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
