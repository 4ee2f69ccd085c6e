package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
)

// TestClientsOfThePullPageSettleWhatTheyAreGiven runs the clients of the page from its own text, and
// the examples, each beside a carrier of its own.
func TestClientsOfThePullPageSettleWhatTheyAreGiven(t *testing.T) {
	page := content(t, "../docs/pull.md")
	for name, c := range map[string]struct {
		text, file string
		command    []string
	}{
		"sh":             {clientIn(t, page, "sh"), "client.sh", []string{"bash"}},
		"python":         {clientIn(t, page, "python"), "client.py", []string{"python3"}},
		"js":             {clientIn(t, page, "js"), "client.mjs", []string{"node"}},
		"go":             {clientIn(t, page, "go"), "main.go", []string{"go", "run"}},
		"example sh":     {content(t, "pull/worker.sh"), "worker.sh", []string{"bash"}},
		"example python": {content(t, "pull/worker.py"), "worker.py", []string{"python3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.command[0]); err != nil {
				t.Logf("NOT TESTED: there is no %s", c.command[0])
				return
			}
			worksOnAll(t, "pull", c.file, c.text, c.command)
		})
	}
}

// worksOnAll runs the client that text is, saved as file, by command, beside carrier with that
// transmitter, and fails unless each message is worked on and delivered.
func worksOnAll(t *testing.T, transmitter, file, text string, command []string) {
	t.Helper()
	at, door := programtest.FreeAddress(t), programtest.FreeAddress(t)
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "127.0.0.1:9020", at)), 0o600); err != nil {
		t.Fatal(err)
	}
	carrier := start(t, []string{
		"CARRIER_TRANSMITTER=" + transmitter, "CARRIER_WORKER_ADDRESS=" + at, "CARRIER_INGEST_ADDRESS=" + door,
		"CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
		"CARRIER_LOG_LEVEL=debug",
	}, built("carrier"))
	carrier.await(`"source reached"`)
	bodies := []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}
	for _, body := range bodies {
		post(t, "http://"+door+"/", "", body)
	}
	worker := start(t, nil, append(command, path)...)
	for _, body := range bodies {
		worker.await("worked on " + body)
	}
	carrier.lines(`"message delivered"`, len(bodies))
	if code := carrier.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, carrier.out.String())
	}
}
