//go:build unix

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

// functions are the commands that start the functions of examples/lambda, by language. Each runs in the
// function's own folder.
func functions(t *testing.T) map[string][]string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "function")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "lambda/go"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the function in Go: %v\n%s", err, out)
	}
	all := map[string][]string{"go": {program}}
	const runtime = "node_modules/.bin/aws-lambda-ric"
	if _, err := os.Stat("lambda/node/" + runtime); err == nil {
		all["node"] = []string{runtime, "index.handler"}
	} else {
		t.Log("NOT TESTED: the function in Node, because its runtime is not there: make lambda compiles it, in some minutes")
	}
	return all
}

// TestLambdaFunctionsRunUnchanged runs the functions under AWS's own runtimes: several records in an
// invocation, one of which fails, and an invocation that fails altogether.
func TestLambdaFunctionsRunUnchanged(t *testing.T) {
	t.Parallel()
	for language, command := range functions(t) {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			at, door := programtest.FreeAddress(t), programtest.FreeAddress(t)
			carrier := start(t, []string{
				"CARRIER_TRANSMITTER=pull", "CARRIER_WORKER_ADDRESS=" + at, "CARRIER_WEBHOOK_BATCH_SIZE=10", "CARRIER_RETRY_INITIAL_INTERVAL=100ms",
				"CARRIER_INGEST_ADDRESS=" + door, "CARRIER_ADMIN_ADDRESS=" + programtest.FreeAddress(t), "CARRIER_INGEST_DATA_DIR=" + t.TempDir(),
				"CARRIER_LOG_LEVEL=debug",
			}, built("carrier"))
			carrier.await(`"source reached"`)
			for _, body := range []string{`{"order":7}`, "no order", `{"order":8}`} {
				post(t, "http://"+door+"/", "", body)
			}
			function := start(t, []string{"AWS_LAMBDA_RUNTIME_API=" + at}, append([]string{"sh", "-c", `cd "$0" && exec "$@"`, "lambda/" + language}, command...)...)
			carrier.lines(`"message delivered"`, 2)
			function.lines(`worker: order [78], one of 3`, 2)
			function.lines("worker: cannot do no order", 2) // it came again
			post(t, "http://"+door+"/", "", `{"order":0}`)
			carrier.await("there is no order 0")
			if n := strings.Count(function.out.String(), "worker: order"); n != 2 {
				t.Errorf("%d orders were done:\n%s", n, function.out.String())
			}
			if code := carrier.stop(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d\n%s", code, carrier.out.String())
			}
			if code := function.Wait(); code == 0 {
				t.Error("the runtime has ended without an error")
			}
		})
	}
}
