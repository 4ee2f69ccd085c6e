package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the processor time, user and system, that the process and all its threads
// have used, those that have ended too. It is the kernel's own clock of the process, in
// nanoseconds; /proc/PID/stat has the same in hundredths of a second.
func (p *Process) CPU() (time.Duration, error) { return cpuOf(p.Pid()) }

func cpuOf(pid int) (time.Duration, error) {
	// The clock of another process: see clock_getcpuclockid(3); 2 asks for the
	// scheduler's count, which is both kinds of time.
	const scheduler = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &t); err != nil { //nolint:gosec // a pid
		return 0, fmt.Errorf("processor time of %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Ticks returns user and system time by themselves, in the kernel's coarser count.
func (p *Process) Ticks() (user, system time.Duration, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	if err != nil {
		return 0, 0, err
	}
	return parseStat(b)
}

// Busy returns the processor time that the whole machine has used since it started, its
// waiting and its guests' left out.
func Busy() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(b)
}

// parseBusy adds up user, nice, system, irq, softirq and steal of the first line, which
// is of all processors together: see proc_stat(5).
func parseBusy(b []byte) (time.Duration, error) {
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("read /proc/stat: %q", line)
	}
	var sum time.Duration
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read /proc/stat: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// tick is USER_HZ, which is 100 on every Linux that Go runs on.
const tick = time.Second / 100

// parseStat reads utime and stime, the fields 14 and 15 in proc_pid_stat(5). The second
// field is the program's name in brackets and may hold anything, so what counts is what
// follows the last bracket.
func parseStat(b []byte) (user, system time.Duration, err error) {
	_, rest, found := strings.Cut(string(b[max(bytes.LastIndexByte(b, ')'), 0):]), ") ")
	fields := strings.Fields(rest)
	const utime, stime = 14 - 3, 15 - 3
	if !found || len(fields) <= stime {
		return 0, 0, fmt.Errorf("read /proc/PID/stat: %q", b)
	}
	u, errU := strconv.ParseInt(fields[utime], 10, 64)
	s, errS := strconv.ParseInt(fields[stime], 10, 64)
	if errU != nil || errS != nil {
		return 0, 0, fmt.Errorf("read /proc/PID/stat: %q", b)
	}
	return time.Duration(u) * tick, time.Duration(s) * tick, nil
}

// Memory is what a process holds, in bytes.
type Memory struct {
	Resident, Peak int64 // the program's file and shared pages included
	Anonymous      int64 // what it allocated itself
}

// Memory asks for the process's memory.
func (p *Process) Memory() (Memory, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return Memory{}, err
	}
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.Pid()))
	if err != nil {
		return Memory{}, err
	}
	return parseMemory(status, rollup)
}

// parseMemory reads /proc/PID/status and /proc/PID/smaps_rollup.
func parseMemory(status, rollup []byte) (m Memory, err error) {
	for name, to := range map[string]*int64{"VmRSS:": &m.Resident, "VmHWM:": &m.Peak} {
		if *to, err = kilobytes(status, name); err != nil {
			return m, err
		}
	}
	m.Anonymous, err = kilobytes(rollup, "Anonymous:")
	return m, err
}

func kilobytes(b []byte, name string) (int64, error) {
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != name || fields[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		return n << 10, err
	}
	return 0, fmt.Errorf("no %s", name)
}
