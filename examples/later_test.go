package examples

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
)

// TestWorkerOfTheLaterPageSettlesWhatItPutOff runs the worker of the page from its own text.
func TestWorkerOfTheLaterPageSettlesWhatItPutOff(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Log("NOT TESTED: there is no python3")
		return
	}
	block := regexp.MustCompile("(?s)```python\n(.*?)```").FindStringSubmatch(content(t, "../docs/later.md"))
	if block == nil {
		t.Fatal("no worker in Python")
	}
	at, door, hook := programtest.FreeAddress(t), programtest.FreeAddress(t), programtest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(hook)
	text := strings.NewReplacer("127.0.0.1:9020", at, `"127.0.0.1", 9000`, `"127.0.0.1", `+port).Replace(block[1])
	file := filepath.Join(t.TempDir(), "worker.py")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nil, "python3", file)
	carrier := start(t, []string{
		"CARRIER_WORKER_ADDRESS=" + at, "CARRIER_INGEST_ADDRESS=" + door, "CARRIER_WEBHOOK_ENDPOINT=http://" + hook + "/",
		"CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR=" + t.TempDir(), "CARRIER_LOG_LEVEL=debug",
	}, built("carrier"))
	carrier.await(`"source reached"`)
	bodies := []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}
	for _, body := range bodies {
		post(t, "http://"+door+"/", "", body)
	}
	carrier.lines(`"verdict":"ack"`, len(bodies))
	if code := carrier.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, carrier.out.String())
	}
}
