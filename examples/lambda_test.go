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
	if missing := installRuntime(t); missing != "" {
		t.Logf("NOT TESTED: the function in Node, because there is no %s here", missing)
	} else {
		all["node"] = []string{"node_modules/.bin/aws-lambda-ric", "index.handler"}
	}
	return all
}

// installRuntime installs Node's runtime of Lambda beside the function, where it is not there yet. It
// is compiled with that, and names the first program that is missing for it.
func installRuntime(t *testing.T) (missing string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		return "node"
	}
	if _, err := os.Stat("lambda/node/node_modules/aws-lambda-ric/dist/rapid-client.node"); err == nil {
		return ""
	}
	for _, program := range []string{"npm", "cmake", "make", "g++", "python3", "autoreconf", "aclocal", "libtoolize"} {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	install.Dir = "lambda/node"
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci in examples/lambda/node: %v\n%s", err, out)
	}
	return ""
}

// TestLambdaFunctionsRunUnchanged runs the functions under AWS's own runtimes: several records in an
// invocation, one of which fails, and an invocation that fails altogether.
func TestLambdaFunctionsRunUnchanged(t *testing.T) {
	t.Parallel()
	all := functions(t)
	for language, command := range all {
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
