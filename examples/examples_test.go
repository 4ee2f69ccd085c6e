//go:build unix

// Package examples tests the example workers and what starts them, with carrier as it
// is built.
package examples

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
)

// programs is the directory of the built programs.
var programs string

func TestMain(m *testing.M) {
	os.Exit(testAll(m))
}

// testAll builds the programs once and runs the tests.
func testAll(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "carrier-examples-"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(programs) }()
	build := exec.Command("go", "build", "-o", programs+"/", "carrier", "carrier/examples/worker-go", "carrier/examples/run",
		"carrier/internal/testkit/sqstest/devsqs")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func built(name string) string { return filepath.Join(programs, name) }

// workers are the commands that start the example workers.
func workers(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{
		"Go":   {built("worker-go")},
		"Node": {"node", "worker-node/worker.mjs"},
	}
	if python, err := exec.LookPath("python3"); err == nil {
		all["Python"] = []string{python, "worker-python/worker.py"}
	} else {
		t.Log("NOT TESTED: the Python worker, because there is no python3 here")
	}
	return all
}

func TestWorkersGetWhatCarrierDelivers(t *testing.T) {
	t.Parallel()
	carrier := built("carrier")
	for name, command := range workers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, command...)
			door, admin := programtest.FreeAddress(t), programtest.FreeAddress(t)
			c := start(t, []string{
				"CARRIER_WEBHOOK_ENDPOINT=" + w.listening(), "CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT=" + w.listening() + "/healthz",
				"CARRIER_INGEST_ADDRESS=" + door, "CARRIER_ADMIN_ADDRESS=" + admin, "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
			}, carrier)
			c.await(`"worker takes messages"`)
			c.await(`"source reached"`)
			if resp := post(t, "http://"+door+"/", "", "hello from the queue"); resp.status != http.StatusOK {
				t.Fatalf("the door answered %d", resp.status)
			}
			w.await("hello from the queue")
			for _, p := range []*program{c, w} {
				if code := p.stop(syscall.SIGTERM); code != 0 {
					t.Errorf("after SIGTERM: exit code %d\n%s", code, p.out.String())
				}
			}
			if n := strings.Count(w.out.String(), "hello from the queue"); n != 1 {
				t.Errorf("it was delivered %d times", n)
			}
		})
	}
}

func TestWorkersWorkOnAMessageOnce(t *testing.T) {
	t.Parallel()
	for name, command := range workers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, command...)
			for range 2 {
				if resp := post(t, w.listening(), "id-1", "once"); resp.status != http.StatusOK {
					t.Errorf("answered %d", resp.status)
				}
			}
			w.await("id-1 was done before")
			if n := strings.Count(w.out.String(), "once"); n != 1 {
				t.Errorf("it was worked on %d times", n)
			}
		})
	}
}

func TestWorkersDeferWhatTheyHaveNoRoomFor(t *testing.T) {
	t.Parallel()
	for name, command := range workers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0", "WORKER_LIMIT=0"}, command...)
			resp := post(t, w.listening(), "id-1", "later")
			if resp.status != http.StatusTooManyRequests || resp.retryAfter != "1" {
				t.Errorf("answered %d, Retry-After %q", resp.status, resp.retryAfter)
			}
		})
	}
}

func TestWorkersThatFailAreAskedAgain(t *testing.T) {
	t.Parallel()
	for name, command := range workers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0", "WORKER_STATUS=503"}, command...)
			for range 2 {
				if resp := post(t, w.listening(), "id-1", "again"); resp.status != http.StatusServiceUnavailable {
					t.Errorf("answered %d", resp.status)
				}
			}
			w.await("again", "again")
		})
	}
}

func TestWorkersFinishWhatTheyHaveBegun(t *testing.T) {
	t.Parallel()
	for name, command := range workers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0", "WORKER_DELAY=1"}, command...)
			answered := make(chan answer, 1)
			go func() { answered <- post(t, w.listening(), "id-1", "in flight") }()
			w.await("in flight")
			if code := w.stop(syscall.SIGTERM); code != 0 {
				t.Errorf("after SIGTERM: exit code %d\n%s", code, w.out.String())
			}
			if resp := <-answered; resp.status != http.StatusOK {
				t.Errorf("answered %d", resp.status)
			}
		})
	}
}

func TestWorkerSaysWhetherItIsThere(t *testing.T) {
	t.Parallel()
	command := built("worker-go")
	w := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, command)
	at := strings.TrimPrefix(w.listening(), "http://")
	for address, want := range map[string]bool{at: true, programtest.FreeAddress(t): false} {
		p := start(t, []string{"WORKER_ADDRESS=" + address}, command, "health")
		if code := p.Wait(); (code == 0) != want {
			t.Errorf("health of %s: exit code %d, want healthy: %v", address, code, want)
		}
	}
}

// A runner is examples/run with a carrier and a worker, on ports of its own.
type runner struct {
	*program
	door string
}

func startRunner(t *testing.T, env ...string) runner {
	t.Helper()
	r := runner{door: programtest.FreeAddress(t)}
	r.program = start(t, append([]string{
		"WORKER_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_ADDRESS=" + r.door, "CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t),
		"CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
	}, env...), built("run"), built("carrier"), built("worker-go"))
	return r
}

func TestRunDrainsCarrierBeforeItsWorker(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "a terminal that goes": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRunner(t, "WORKER_DELAY=1")
			r.await("curl -i http://" + r.door)
			post(t, "http://"+r.door+"/", "", "in flight")
			r.await("in flight")
			if code := r.stop(s); code != 0 {
				t.Errorf("exit code %d\n%s", code, r.out.String())
			}
			r.inOrder("stopping", `"stopped"`, "worker: stopped")
			if out := r.out.String(); strings.Contains(out, `"level":"warn"`) || strings.Contains(out, `"level":"error"`) {
				t.Errorf("the drain was not clean:\n%s", out)
			}
		})
	}
}

func TestRunSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	taken := start(t, []string{"WORKER_ADDRESS=127.0.0.1:0"}, built("worker-go"))
	at := strings.TrimPrefix(taken.listening(), "http://")
	for name, c := range map[string]struct{ env, want string }{
		"the worker's port is taken":   {"WORKER_ADDRESS=" + at, at + " already; another run? WORKER_ADDRESS"},
		"the port of ingest is taken":  {"CARRIER_INGEST_ADDRESS=" + at, at + " already; another run? CARRIER_INGEST_ADDRESS"},
		"the admin port is taken":      {"CARRIER_ADMIN_ADDRESS=" + at, at + " already; another run? CARRIER_ADMIN_ADDRESS"},
		"a worker that does not start": {"WORKER_LIMIT=many", "run: the worker ended: exit status 1"},
		"a bad configuration":          {"CARRIER_CONCURRENCY=many", "run: carrier ended: exit status 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRunner(t, c.env)
			// A program that it left behind would keep its output open, and Wait waiting.
			if code := r.Wait(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			r.await(c.want)
		})
	}
}

// TestSecondRunDoesNotGreetByThePortsOfTheFirst starts a second run with the addresses of one that
// is ready.
func TestSecondRunDoesNotGreetByThePortsOfTheFirst(t *testing.T) {
	t.Parallel()
	admin := "CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t)
	first := startRunner(t, admin)
	first.await("carrier is ready")
	second := startRunner(t, admin)
	if code := second.Wait(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if out := second.out.String(); strings.Contains(out, "carrier is ready") || !strings.Contains(out, "CARRIER_ADMIN_ADDRESS") {
		t.Errorf("the second one said:\n%s", out)
	}
	if code := first.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("the first one ended with %d", code)
	}
}

func TestRunReceivesFromSQSWithEachWorker(t *testing.T) {
	t.Parallel()
	for name, command := range workers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := programtest.FreeAddress(t)
			p := start(t, []string{
				"WORKER_ADDRESS=" + programtest.FreeAddress(t), "DEVSQS_ADDRESS=" + at, "CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t),
			}, append([]string{built("run"), "-sqs", built("devsqs"), built("carrier")}, command...)...)
			p.await("carrier is ready", "send -endpoint http://"+at+" -queue orders")
			sent := start(t, nil, built("devsqs"), "send", "-endpoint", "http://"+at, "-queue", "orders", "hello from SQS")
			if code := sent.Wait(); code != 0 {
				t.Errorf("devsqs send: exit code %d\n%s", code, sent.out.String())
			}
			p.await("hello from SQS")
			if code := p.stop(syscall.SIGINT); code != 0 {
				t.Errorf("exit code %d\n%s", code, p.out.String())
			}
		})
	}
}

// An answer is what came back for a post.
type answer struct {
	status     int
	retryAfter string
}

// post posts body as carrier would; id may be empty.
func post(t *testing.T, url, id, body string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return answer{}
	}
	if id != "" {
		req.Header.Set("X-Carrier-Message-Id", id)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return answer{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After")}
}
