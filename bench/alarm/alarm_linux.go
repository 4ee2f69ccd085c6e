// Package alarm sleeps more exactly than time.Sleep does.
package alarm

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An Alarm is a timer of the kernel, waited for as one waits for a connection. Go's own
// timers wait for whole milliseconds while a program is otherwise idle: a sleep of five
// takes five and a half on average, and one of half a millisecond takes a whole one.
type Alarm struct{ file *os.File }

// New makes an alarm, for one goroutine at a time.
func New() *Alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &Alarm{}
	}
	return &Alarm{file: os.NewFile(uintptr(fd), "timer")} //nolint:gosec // a descriptor
}

// Sleep waits for d, and some hundredths of a millisecond.
func (a *Alarm) Sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	if a.file == nil || !a.ring(d) {
		time.Sleep(d)
	}
}

func (a *Alarm) ring(d time.Duration) bool {
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

// Close releases the timer.
func (a *Alarm) Close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}
