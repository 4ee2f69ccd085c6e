package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A machine is what the figures were measured on.
type machine struct {
	cpu, kernel, goVersion string
	cores                  int
	memory                 uint64
	load                   string // one, five and fifteen minutes, at the start
}

func look() machine {
	m := machine{cpu: "unknown", goVersion: runtime.Version(), cores: runtime.NumCPU()}
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

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d GiB, %s, %s; load at the start: %s",
		m.cpu, m.cores, m.memory>>30, m.kernel, m.goVersion, m.load)
}

// busy reports whether others used more than a third of a core when the run began.
func (m machine) busy() bool {
	one, _, _ := strings.Cut(m.load, " ")
	load, err := strconv.ParseFloat(one, 64)
	return err != nil || load > 1.0/3
}
