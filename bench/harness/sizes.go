package harness

import (
	"compress/gzip"
	"io"
	"os"
)

// Sizes returns how many bytes a file has, and how many of them are left by gzip.
func Sizes(path string) (n, packed int64, err error) {
	f, err := os.Open(path) //nolint:gosec // just built
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	var counted counter
	z := gzip.NewWriter(&counted)
	if n, err = io.Copy(z, f); err != nil {
		return 0, 0, err
	}
	err = z.Close()
	return n, int64(counted), err
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
