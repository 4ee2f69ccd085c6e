package test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// inMakefile is the value of a variable of the Makefile.
func inMakefile(t *testing.T, name string) string {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	must(t, err)
	value := regexp.MustCompile(`(?m)^` + name + ` +:= ((?:.*\\\n)*.*)$`).FindSubmatch(makefile)
	if value == nil {
		t.Fatalf("the Makefile does not set %s", name)
	}
	return strings.ReplaceAll(string(value[1]), "\\\n", "")
}

// uninlined are the flags of a release for what is compiled without inlining, as the Makefile has them.
func uninlined(t *testing.T) []string {
	t.Helper()
	var flags []string
	for _, name := range strings.Fields(inMakefile(t, "COLD")) {
		flags = append(flags, name+"=-l")
	}
	return append(flags, inMakefile(t, "HOT")+"=")
}

// TestTheProgramStaysSmall builds the program with the flags of a release, and compares what an
// image's layer would hold of it with the most it may be.
func TestTheProgramStaysSmall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tags string
		most int64 // bytes, as gzip -6 makes them
	}{
		"without Pub/Sub": {",nopubsub", 5_600_000},
		"with everything": {"", 8_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := filepath.Join(t.TempDir(), "carrier")
			args := []string{"build", "-trimpath", "-tags", inMakefile(t, "LEAN") + c.tags, "-ldflags", "-s -w", "-o", to}
			for _, flag := range uninlined(t) {
				args = append(args, "-gcflags="+flag)
			}
			cmd := exec.CommandContext(t.Context(), "go", append(args, "..")...)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			if size := compressed(t, to); size > c.most {
				t.Errorf("%d bytes compressed, want at most %d", size, c.most)
			} else {
				t.Logf("%d bytes compressed, at most %d", size, c.most)
			}
		})
	}
}

// TestEveryReleaseIsCompiledAlike holds those that build without the Makefile to its flags.
func TestEveryReleaseIsCompiledAlike(t *testing.T) {
	for path, form := range map[string]string{"../Dockerfile": "-gcflags=%s", "../.goreleaser.yaml": "- %s\n", "../bench/harness/harness.go": `"-gcflags=%s"`} {
		text, err := os.ReadFile(path)
		must(t, err)
		for _, flag := range uninlined(t) {
			if want := fmt.Sprintf(form, flag); !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
	}
}

// compressed is how many bytes gzip makes of the file.
func compressed(t *testing.T, path string) int64 {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer func() { _ = f.Close() }()
	var size counter
	z, err := gzip.NewWriterLevel(&size, 6)
	must(t, err)
	_, err = io.Copy(z, f)
	must(t, err)
	must(t, z.Close())
	return int64(size)
}
