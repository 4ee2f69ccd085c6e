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

// TestClientsOfThePullPageSettleWhatTheyAreGiven runs the clients of the page from its own text, each
// beside a carrier of its own.
func TestClientsOfThePullPageSettleWhatTheyAreGiven(t *testing.T) {
	for language, c := range map[string]struct {
		file    string
		command []string
	}{
		"sh":     {"client.sh", []string{"bash"}},
		"python": {"client.py", []string{"python3"}},
		"js":     {"client.mjs", []string{"node"}},
		"go":     {"main.go", []string{"go", "run"}},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.command[0]); err != nil {
				t.Logf("NOT TESTED: there is no %s", c.command[0])
				return
			}
			at, door := programtest.FreeAddress(t), programtest.FreeAddress(t)
			file := filepath.Join(t.TempDir(), c.file)
			text := strings.ReplaceAll(clientIn(t, content(t, "../docs/pull.md"), language), "127.0.0.1:9020", at)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			carrier := start(t, []string{
				"CARRIER_TRANSMITTER=pull", "CARRIER_WORKER_ADDRESS=" + at, "CARRIER_INGEST_ADDRESS=" + door,
				"CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
				"CARRIER_LOG_LEVEL=debug",
			}, built("carrier"))
			carrier.await(`"source reached"`)
			bodies := []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}
			for _, body := range bodies {
				post(t, "http://"+door+"/", "", body)
			}
			worker := start(t, nil, append(c.command, file)...)
			for _, body := range bodies {
				worker.await("worked on " + body)
			}
			carrier.lines(`"message delivered"`, len(bodies))
			if code := carrier.stop(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d\n%s", code, carrier.out.String())
			}
		})
	}
}
