package queuefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// LockName is what the lock file is called.
	LockName  = "queue.lock"
	lockPause = 50 * time.Millisecond
)

// What the lock file says of the process that holds it or held it last. It is empty where that
// process has closed the queue.
const (
	StateOpen = "open"
	// StateDamaged is followed by what was found while the process ran. The file is set aside at
	// the next start: what was found would be found again.
	StateDamaged = "damaged: "
)

// A Lock keeps other processes out. bbolt's own lock, on the queue's file, is no good for
// that: a mapping that is left behind by a panic holds it until the process ends.
type Lock struct{ file *os.File }

// takeLock takes the lock in dir, for which it waits up to lockTimeout. On a disk that is too full
// for the file it does without: bbolt's lock is there still.
func takeLock(dir string) (*Lock, error) {
	path := filepath.Join(dir, LockName)
	for begun := time.Now(); ; time.Sleep(lockPause) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if NoSpace(err) {
			return &Lock{}, nil
		}
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil && samePlace(path, f) {
			return &Lock{f}, nil
		}
		_ = f.Close()
		switch {
		case err != nil && !errors.Is(err, unix.EWOULDBLOCK):
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case time.Since(begun) >= lockTimeout:
			return nil, ErrLocked
		}
	}
}

func samePlace(path string, f *os.File) bool {
	there, err1 := os.Stat(path)
	here, err2 := f.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, here)
}

// state is what the last process said. Where that cannot be read it counts as StateOpen.
func (l *Lock) state() string {
	if l.file == nil {
		return StateOpen
	}
	b, err := io.ReadAll(io.NewSectionReader(l.file, 0, 4<<10))
	if err != nil {
		return StateOpen
	}
	return strings.TrimSpace(string(b))
}

// Say replaces what the next process will read. On a full disk it may not be able to.
func (l *Lock) Say(state string) error {
	if l.file == nil {
		return nil
	}
	if err := l.file.Truncate(0); err != nil || state == "" {
		return err
	}
	_, err := l.file.WriteAt([]byte(state+"\n"), 0)
	return err
}

// Close lets other processes in.
func (l *Lock) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
