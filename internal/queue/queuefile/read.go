package queuefile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrInUse means that a carrier runs on the file and would change it while it is read.
var ErrInUse = errors.New("a carrier runs on it")

// OpenToRead opens the queue file at path to look at it, and returns its size in bytes. It holds a
// shared lock until the file is closed. The error wraps ErrInUse where a carrier runs on the file.
func OpenToRead(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	if err == nil && errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK) {
		err = fmt.Errorf("%s: %w: stop it first, or look at a copy", path, ErrInUse)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
