package report

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Machine is what the figures were measured on.
type Machine struct {
	cpu, kernel, goVersion string
	cores                  int
	memory                 uint64
	load                   string // one, five and fifteen minutes, at the start
}

// Look describes this machine, and how busy it is now.
func Look() Machine {
	m := Machine{cpu: "unknown", goVersion: runtime.Version(), cores: runtime.NumCPU()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
	}
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			m.cpu = strings.TrimSpace(value)
			break
		}
	}
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		m.memory = s.Totalram * uint64(s.Unit)
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load = strings.Join(strings.Fields(string(b))[:3], " ")
	}
	return m
}

// String is one line for the report.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d GiB, %s, %s; load at the start: %s",
		m.cpu, m.cores, m.memory>>30, m.kernel, m.goVersion, m.load)
}

// busy reports whether others used more than a third of a core when the run began.
func (m Machine) busy() bool {
	one, _, _ := strings.Cut(m.load, " ")
	load, err := strconv.ParseFloat(one, 64)
	return err != nil || load > 1.0/3
}
