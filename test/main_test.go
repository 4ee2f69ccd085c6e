// Package test holds the program to what it promises, from outside: it builds the binary,
// runs it beside a worker and in front of a source, and looks at what comes over the
// wire. Nothing here imports the program.
package test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// binary is the program under test, built once with the race detector.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if !flagGiven("test.parallel") {
		_ = flag.Set("test.parallel", "12") // most tests wait for most of their time
	}
	os.Exit(withBinary(m.Run))
}

func flagGiven(name string) bool {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

// withBinary builds the program into a folder of its own, and removes it afterwards.
func withBinary(run func() int) int {
	dir, err := os.MkdirTemp("", "carrier-test-")
	if err != nil {
		return complain(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "carrier")
	if err := build(binary, "-race"); err != nil {
		_ = complain(fmt.Errorf("no race detector here, going on without it: %w", err))
		if err := build(binary); err != nil {
			return complain(err)
		}
	}
	if code := run(); code != 0 {
		return code
	}
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}

// build builds the program; with -race that needs cgo, and the program itself none.
func build(to string, args ...string) error {
	cgo := "CGO_ENABLED=0"
	if len(args) > 0 {
		cgo = "CGO_ENABLED=1"
	}
	cmd := exec.Command("go", append(append([]string{"build"}, args...), "-o", to, "..")...)
	cmd.Env = append(os.Environ(), cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %v: %w\n%s", args, err, out)
	}
	return nil
}
