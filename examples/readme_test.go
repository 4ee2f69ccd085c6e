//go:build unix

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
)

// readmesWorker is the program of the README's worker in Go, listening at address. The README
// leaves out what it works with.
func readmesWorker(t *testing.T, address string) string {
	t.Helper()
	_, snippet, found := strings.Cut(content(t, "../README.md"), "```go\n")
	snippet, _, ended := strings.Cut(snippet, "```")
	if !found || !ended || !strings.Contains(snippet, `"127.0.0.1:9000"`) {
		t.Fatalf("the README's worker is %q", snippet)
	}
	return `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
)

func work(id string, body []byte) error {
	_, err := fmt.Printf("worked on %s, %d\n", body, len(id))
	return err
}

func main() {
` + strings.ReplaceAll(snippet, "127.0.0.1:9000", address) + "}\n"
}

// TestReadmesWorkerGetsTheReadmesFirstMessage compiles the README's worker, starts carrier as make
// run does, and sends what the README's curl sends, where it sends it.
func TestReadmesWorkerGetsTheReadmesFirstMessage(t *testing.T) {
	t.Parallel()
	curl := regexp.MustCompile(`(?m)^curl -i http://127\.0\.0\.1:8080(/\S*) .* -d '(.*)'$`).FindStringSubmatch(content(t, "../README.md"))
	if curl == nil {
		t.Fatal("the README sends no first message")
	}
	dir, at := t.TempDir(), programtest.FreeAddress(t)
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(readmesWorker(t, at)), 0o600); err != nil {
		t.Fatal(err)
	}
	worker := filepath.Join(dir, "worker")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", worker, source).CombinedOutput(); err != nil { //nolint:gosec // the README's own program
		t.Fatalf("%v\n%s", err, out)
	}
	w := start(t, nil, worker)
	door := programtest.FreeAddress(t)
	c := start(t, []string{
		"CARRIER_WEBHOOK_ENDPOINT=http://" + at, "CARRIER_INGEST_ADDRESS=" + door,
		"CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
	}, built("carrier"))
	c.await(`"source reached"`)
	post(t, "http://"+door+curl[1], "", curl[2])
	w.await("worked on " + curl[2])
	if code := c.stop(syscall.SIGTERM); code != 0 || strings.Contains(c.out.String(), `"rejected"`) {
		t.Errorf("exit code %d\n%s", code, c.out.String())
	}
}

// TestReadmesRoutesAreWithoutAFault has carrier print what the README's commands with routes
// configure.
func TestReadmesRoutesAreWithoutAFault(t *testing.T) {
	t.Parallel()
	for _, script := range commands(t, content(t, "../README.md"), "CARRIER_ROUTES=") {
		p := start(t, nil, "bash", "-ec", strings.Replace(script, "./carrier", built("carrier")+" config", 1))
		if code := p.Wait(); code != 0 || strings.Contains(p.out.String(), "warn") {
			t.Errorf("exit code %d\n%s\n%s", code, script, p.out.String())
		}
	}
}
