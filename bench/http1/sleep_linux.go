package http1

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An alarm is a timer of the kernel, waited for as one waits for a connection. Go's own
// timers wait for whole milliseconds while a program is otherwise idle: a sleep of five
// takes five and a half on average, and one of half a millisecond takes a whole one.
type alarm struct{ file *os.File }

func newAlarm() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &alarm{}
	}
	return &alarm{file: os.NewFile(uintptr(fd), "timer")} //nolint:gosec // a descriptor
}

// sleep waits for d, and some hundredths of a millisecond.
func (a *alarm) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	if a.file == nil || !a.ring(d) {
		time.Sleep(d)
	}
}

func (a *alarm) ring(d time.Duration) bool {
	raw, err := a.file.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil)
	})
	if err != nil || failed != nil {
		return false
	}
	var rung [8]byte
	_, err = a.file.Read(rung[:])
	return err == nil
}

func (a *alarm) close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}
