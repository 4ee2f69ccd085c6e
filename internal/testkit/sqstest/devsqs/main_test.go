package main

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// start runs the server on a free port until the test ends and returns its endpoint.
func start(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	p := program{args: append([]string{"-address", "127.0.0.1:0"}, args...), getenv: none, stdout: w, stderr: io.Discard}
	go func() {
		code := p.run(ctx)
		_ = w.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitDone {
			t.Errorf("the server ended with %d", code)
		}
	})
	line := make([]byte, 500)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(line[:n]), "listening at ")
	endpoint, _, _ := strings.Cut(rest, ",")
	return endpoint
}

func none(string) string { return "" }

// run runs one command to its end.
func run(t *testing.T, stdin string, args ...string) (out string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{args: args, getenv: none, stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code = p.run(ctx)
	return stdout.String() + stderr.String(), code
}

func TestMessagesCanBeSentByNameByURLAndFromStdin(t *testing.T) {
	endpoint := start(t, "-queues", "orders, events.fifo", "-redrive", "3")
	for name, args := range map[string][]string{
		"by name":                     {"send", "-endpoint", endpoint, "-queue", "orders", "hello"},
		"by URL":                      {"send", "-queue-url", endpoint + "/000000000000/orders", "hello"},
		"from stdin":                  {"send", "-endpoint", endpoint, "-queue", "orders", "-"},
		"to a group":                  {"send", "-endpoint", endpoint, "-queue", "events.fifo", "-group", "g", "hello"},
		"to a FIFO queue without one": {"send", "-endpoint", endpoint, "-queue", "events.fifo", "hello"},
		"to the dead letters":         {"send", "-endpoint", endpoint, "-queue", "orders-dead", "hello"},
	} {
		if out, code := run(t, "from stdin", args...); code != exitDone || len(strings.TrimSpace(out)) != 36 {
			t.Errorf("%s: %d, %q", name, code, out)
		}
	}
}

func TestWhatIsInAQueueCanBeShown(t *testing.T) {
	endpoint := start(t, "-queues", "orders,events.fifo", "-redrive", "3")
	id, _ := run(t, "", "send", "-endpoint", endpoint, "-queue", "orders", `{"order":1}`)
	_, _ = run(t, "", "send", "-endpoint", endpoint, "-queue", "events.fifo", "-group", "g1", "hello")
	for name, c := range map[string]struct {
		args         []string
		says, silent string
	}{
		"all queues":             {nil, "orders: 1 visible, 0 in flight, 0 delayed\n", "{"},
		"dead letters":           {[]string{"orders-dead"}, "orders-dead: 0 visible, 0 in flight, 0 delayed\n", "ID"},
		"one queue":              {[]string{"orders"}, strings.TrimSpace(id) + "  0         0s", "order\\\""},
		"with bodies":            {[]string{"-bodies", "orders"}, `"{\"order\":1}"`, "hello"},
		"a message with a group": {[]string{"events.fifo"}, "g1\n", "hello"},
	} {
		out, code := run(t, "", append([]string{"show", "-endpoint", endpoint}, c.args...)...)
		if code != exitDone || !strings.Contains(out, c.says) || strings.Contains(out, c.silent) {
			t.Errorf("%s: %d, %s", name, code, out)
		}
	}
}

func TestBadArgumentsAndFailuresAreToldApart(t *testing.T) {
	endpoint := start(t)
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"no such command":                   {[]string{"fly"}, exitUsage},
		"no such flag":                      {[]string{"-fly"}, exitUsage},
		"no body":                           {[]string{"send", "-queue", "q"}, exitUsage},
		"no queue":                          {[]string{"send", "hello"}, exitUsage},
		"a queue twice":                     {[]string{"send", "-queue", "q", "-queue-url", "http://x/0/q", "hello"}, exitUsage},
		"a URL that is none":                {[]string{"send", "-queue-url", "orders", "hello"}, exitUsage},
		"a bad queue name":                  {[]string{"-queues", "a b"}, exitUsage},
		"a bad redrive":                     {[]string{"-redrive", "often"}, exitUsage},
		"a queue not there":                 {[]string{"send", "-endpoint", endpoint, "-queue", "q", "hello"}, exitFailed},
		"a queue to show that is not there": {[]string{"show", "-endpoint", endpoint, "q"}, exitFailed},
		"two queues to show":                {[]string{"show", "-endpoint", endpoint, "q", "r"}, exitUsage},
		"nobody answers":                    {[]string{"health", "-endpoint", "http://127.0.0.1:1"}, exitFailed},
		"a port that is taken":              {[]string{"-address", strings.TrimPrefix(endpoint, "http://")}, exitFailed},
		"a call for help":                   {[]string{"send", "-h"}, exitDone},
		"a healthy server":                  {[]string{"health", "-endpoint", endpoint}, exitDone},
	} {
		if out, code := run(t, "", c.args...); code != c.code {
			t.Errorf("%s: %d, want %d: %s", name, code, c.code, out)
		}
	}
}

func TestEnvironmentStandsForTheFlags(t *testing.T) {
	endpoint := start(t, "-queues", "orders")
	var out bytes.Buffer
	p := program{args: []string{"send", "-queue", "orders", "hello"}, stdout: &out, stderr: &out, getenv: func(name string) string {
		return map[string]string{"DEVSQS_ENDPOINT": endpoint}[name]
	}}
	if code := p.run(t.Context()); code != exitDone {
		t.Errorf("%d: %s", code, out.String())
	}
}

func TestServerIsSmall(t *testing.T) {
	deps, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(deps)) {
		if dep == "testing" || strings.Contains(dep, "aws-sdk-go") {
			t.Errorf("it brings %s", dep)
		}
	}
}
