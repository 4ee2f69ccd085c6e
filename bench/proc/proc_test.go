package proc

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestStatIsReadBehindAnyName(t *testing.T) {
	const fields = " S 1 1 1 0 -1 4194560 100 0 0 0 123 45 6 7 20 0 9 0 100 1 1"
	for name, line := range map[string]string{
		"plain":             "42 (carrier)" + fields,
		"with blanks":       "42 (a b c)" + fields,
		"with brackets":     "42 (a) S (b))" + fields,
		"with other fields": "42 ()) R 9 9 9 9)" + fields,
	} {
		user, system, err := parseStat([]byte(line))
		if user != 1230*time.Millisecond || system != 450*time.Millisecond || err != nil {
			t.Errorf("%s: %v, %v, %v", name, user, system, err)
		}
	}
	for _, line := range []string{"", "42", "42 (carrier) S 1 2", "42 (carrier) S 1 1 1 0 -1 4 1 0 0 0 x y 1"} {
		if _, _, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

func TestMemoryIsReadInBytes(t *testing.T) {
	status := []byte("Name:\tcarrier\nVmPeak:\t  99 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
	rollup := []byte("00400000-7fff rollup\nRss:  1024 kB\nAnonymous:           512 kB\nLazyFree: 0 kB\n")
	m, err := parseMemory(status, rollup)
	if want := (Memory{Resident: 1 << 20, Peak: 2 << 20, Anonymous: 512 << 10}); m != want || err != nil {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := parseMemory(status, nil); err == nil {
		t.Error("missing memory was read")
	}
	if _, err := parseMemory([]byte("VmRSS: 5 pages\nVmHWM: 1 kB\n"), rollup); err == nil {
		t.Error("another unit was read")
	}
}

func TestBusyTimeLeavesOutWaiting(t *testing.T) {
	got, err := parseBusy([]byte("cpu  1 2 4 1000 2000 8 16 32 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n"))
	if got != 63*tick || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, b := range []string{"", "cpu 1 2 3", "cpu x 2 4 1000 2000 8 16 32"} {
		if _, err := parseBusy([]byte(b)); err == nil {
			t.Errorf("%q was read", b)
		}
	}
}

func TestClockOfAProcessAgreesWithItsTicks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{cmd: &exec.Cmd{Process: self}}
	sum := 0
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		sum++
	}
	user, system, err := p.Ticks()
	if err != nil {
		t.Fatal(err)
	}
	cpu, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	// The ticks are older, and rounded down; both clocks have run for the same loop.
	if cpu+2*tick < user+system {
		t.Errorf("the clock says %v after the ticks said %v (%d turns)", cpu, user+system, sum)
	}
	m, err := p.Memory()
	if err != nil || m.Anonymous <= 0 || m.Peak < m.Resident {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestProgramThatListensIsReadAndStopped(t *testing.T) {
	p, err := Start(Command{Path: "/bin/sh", Args: []string{"-c", `echo '{"serve":"a","control":"b"}'; cat >/dev/null; exit 3`}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Serve != "a" || p.Control != "b" {
		t.Errorf("read %+v", p.Ready)
	}
	p.Stop()
	if p.ExitCode() != 3 {
		t.Errorf("exit code %d: it did not end by itself", p.ExitCode())
	}
	p.Stop() // once more does nothing
}

func TestProgramThatDoesNotListenIsKilled(t *testing.T) {
	var log bytes.Buffer
	p, err := Start(Command{Path: "/bin/sh", Args: []string{"-c", "trap '' TERM; echo here; while :; do read x || sleep 1; done"}, Quiet: true, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if p.ExitCode() != -1 {
		t.Errorf("exit code %d", p.ExitCode())
	}
}

func TestProgramThatEndsAtOnceIsAnError(t *testing.T) {
	var log bytes.Buffer
	_, err := Start(Command{Path: "/bin/sh", Args: []string{"-c", "echo trouble >&2; exit 1"}, Log: &log})
	if err == nil || !strings.Contains(log.String(), "trouble") {
		t.Errorf("%v, log %q", err, log.String())
	}
}
