package test

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"carrier/internal/testkit/programtest"
)

// Section 1: a log reader that is stuck or gone stops nothing.

func TestLogReaderThatIsStuckOrGoneStopsNothing(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, reader, writer *os.File){
		"stuck": func(t *testing.T, _, writer *os.File) { brimful(t, writer) },
		"gone":  func(t *testing.T, reader, _ *os.File) { must(t, reader.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, first(says(500), says(500)))
			b := prepare(t, ofIngest, w, nil)
			reader, writer, err := os.Pipe()
			must(t, err)
			defer func() { _ = reader.Close() }()
			leave(t, reader, writer)
			b.program = launchInto(t, b.env, writer)
			b.awaitReady()
			b.put(testMessage{Body: "a"})
			w.await(3)
			b.awaitEmpty()
			if name == "gone" && b.metric("carrier_log_lines_dropped_total") == 0 {
				t.Error("lines that nobody reads are not counted")
			}
			b.stop()
		})
	}
}

// brimful fills a pipe, so that the next write to it blocks.
func brimful(t *testing.T, writer *os.File) {
	t.Helper()
	raw, err := writer.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		for err = error(nil); err == nil; {
			_, err = unix.Write(int(fd), make([]byte, 4096))
		}
	}))
	if err != unix.EAGAIN { //nolint:errorlint // a plain number
		t.Fatal(err)
	}
}

// launchInto is launch with the log going to stdout, which is closed here.
func launchInto(t *testing.T, e env, stdout *os.File) *program {
	t.Helper()
	p := &program{t: t, admin: e["CARRIER_ADMIN_ADDRESS"]}
	cmd := exec.Command(binary)
	for name, value := range e {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Dir, cmd.Stderr = t.TempDir(), &p.stderr
	must(t, unix.SetNonblock(int(stdout.Fd()), false)) // for the program: a pipe of Go's is not
	cmd.Stdout = stdout
	t.Cleanup(func() { p.lookBack(nil) })
	p.Program = programtest.Start(t, cmd)
	must(t, stdout.Close())
	return p
}
