package test

import (
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// A counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// TestTheProgramStaysSmall builds the program with the flags of a release, and compares what an
// image's layer would hold of it with the most it may be.
func TestTheProgramStaysSmall(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	must(t, err)
	lean := regexp.MustCompile(`(?m)^LEAN +:= (\S+)$`).FindSubmatch(makefile)
	if lean == nil {
		t.Fatal("the Makefile says no build tags")
	}
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
			cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", string(lean[1])+c.tags, "-ldflags", "-s -w", "-o", to, "..")
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
