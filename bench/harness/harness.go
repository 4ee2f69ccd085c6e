// Package harness builds and starts the programs of a benchmark, and measures what they do and
// cost.
package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"carrier/bench/proc"
)

// Options says how to run.
type Options struct {
	// Quick makes Times and Span choose the smaller run.
	Quick bool
	// Carrier is the program to measure; empty builds it from this tree.
	Carrier string
	// Dir is for programs and data.
	Dir string
	// TLS is for every scenario over SQS: on the way to the queue and to the worker.
	TLS bool
	// Env is more of carrier's environment, as NAME=value. It wins.
	Env []string
}

// A Bench is what all scenarios share. It is for one goroutine.
type Bench struct {
	// Data is a directory of this run alone; Log takes what the programs say.
	Data string
	Log  io.Writer

	options  Options
	root     string // of the repository
	programs string // the directory of the built programs
	running  []*proc.Process
	lock     *os.File
	slowSync time.Duration // by how much fdatasync is longer for programs that keep data
	tlsDir   string        // of the certificate; empty without TLS
}

// Open makes the directories and builds the programs. It fails while another benchmark runs in
// the same directory. Close ends what it began.
func Open(ctx context.Context, o Options) (b *Bench, err error) {
	b = &Bench{options: o}
	if b.programs, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.programs, 0o750); err != nil {
		return nil, err
	}
	if err := b.lockDir(b.programs); err != nil {
		return nil, err
	}
	if b.Log, err = os.Create(filepath.Join(b.programs, "programs.log")); err != nil {
		return nil, err
	}
	if b.Data, err = os.MkdirTemp(b.programs, "data-"); err != nil {
		return nil, err
	}
	err = b.build(ctx)
	if o.TLS && err == nil {
		err = b.useTLS()
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// lockDir holds a lock for as long as this process lives: two benchmarks at once would measure
// each other.
func (b *Bench) lockDir(dir string) error {
	f, err := os.Create(filepath.Join(dir, "lock")) //nolint:gosec // our own directory
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { //nolint:gosec // a descriptor
		return fmt.Errorf("another benchmark is running in %s: %w", dir, err)
	}
	b.lock = f
	return nil
}

func (b *Bench) build(ctx context.Context) error {
	fmt.Println("building")
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	b.root = filepath.Dir(string(module))
	steps := [][]string{{"build", "-o", b.programs + "/", "./bench/sqsserver", "./bench/pubsubserver", "./bench/natsserver", "./bench/worker", "./bench/poster", "./bench/bareserver", "./bench/disk", "./bench/fanout", "./bench/slowdisk"}}
	if b.options.Carrier == "" {
		b.options.Carrier = filepath.Join(b.programs, "carrier")
		steps = append(steps, release(b.options.Carrier, ""))
	}
	for _, args := range steps {
		if err := b.goBuild(ctx, args); err != nil {
			return err
		}
	}
	b.options.Carrier, err = filepath.Abs(b.options.Carrier)
	return err
}

// lean are the build tags of every release: they leave out what carrier does not use.
const lean = "grpcnotrace,nethttpomithttp2"

// uninlined are the flags of every release for what the Makefile calls COLD.
func uninlined() []string {
	return []string{
		"-gcflags=github.com/aws/...=-l",
		"-gcflags=github.com/klauspost/...=-l",
		"-gcflags=regexp/...=-l",
		"-gcflags=text/...=-l",
		"-gcflags=encoding/gob=-l",
		"-gcflags=encoding/xml=-l",
		"-gcflags=encoding/asn1=-l",
		"-gcflags=crypto/tls/...=-l",
		"-gcflags=crypto/x509/...=-l",
		"-gcflags=math/big=-l",
		"-gcflags=github.com/coder/...=-l",
		"-gcflags=github.com/VictoriaMetrics/...=-l",
		"-gcflags=github.com/nats-io/nkeys=-l",
		"-gcflags=go.uber.org/...=-l",
		"-gcflags=vendor/...=-l",
		"-gcflags=encoding/json=-l",
		"-gcflags=fmt=-l",
		"-gcflags=mime/...=-l",
		"-gcflags=carrier/internal/deadletter/...=-l",
		"-gcflags=carrier/.../deadletters=-l",
		"-gcflags=carrier/internal/queue/filecheck=-l",
		"-gcflags=carrier/internal/route/...=-l",
		"-gcflags=carrier/receiver/builtin=-l",
		"-gcflags=carrier/internal/observe/admin=-l",
		"-gcflags=carrier/internal/observe/page=-l",
		"-gcflags=carrier/internal/top=-l",
		"-gcflags=carrier/receiver/preflight=-l",
		"-gcflags=carrier/receiver/sqs/environment=-l",
		"-gcflags=carrier/receiver/ingest/queued/...=-l",
		"-gcflags=carrier/internal/egress=-l",
		"-gcflags=carrier/internal/standardwebhooks=-l",
		"-gcflags=carrier/config/...=-l",
		"-gcflags=carrier/transmitter/handoff/...=-l",
		"-gcflags=carrier=-l",
		"-gcflags=github.com/aws/aws-sdk-go-v2/aws/signer/...=",
	}
}

// release is how carrier is built for release, with tags beside those.
func release(path, tags string) []string {
	return append(append([]string{"build", "-trimpath"}, uninlined()...), "-tags", lean+","+tags, "-ldflags", "-s -w", "-o", path, ".")
}

// BuildRelease builds carrier to path as it is released, with more build tags.
func (b *Bench) BuildRelease(ctx context.Context, path, tags string) error {
	return b.goBuild(ctx, release(path, tags))
}

func (b *Bench) goBuild(ctx context.Context, args []string) error {
	c := exec.CommandContext(ctx, "go", args...) //nolint:gosec // our own arguments
	c.Env, c.Dir = append(os.Environ(), "CGO_ENABLED=0"), b.root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	return nil
}

// start starts a program that StopAll ends.
func (b *Bench) start(c proc.Command) (*proc.Process, error) {
	c.Log = b.Log
	p, err := proc.Start(c)
	if err == nil {
		b.running = append(b.running, p)
	}
	return p, err
}

// Running is how many programs have been started and not stopped.
func (b *Bench) Running() int { return len(b.running) }

// StopAll ends what is still running, the last one started first.
func (b *Bench) StopAll() {
	for i := len(b.running) - 1; i >= 0; i-- {
		b.running[i].Stop()
	}
	b.running = nil
}

// Close ends all programs and removes the data.
func (b *Bench) Close() {
	b.StopAll()
	_ = os.RemoveAll(b.Data)
	_ = b.lock.Close()
}

// Scratch makes a new directory for one measurement.
func (b *Bench) Scratch() (string, error) { return os.MkdirTemp(b.Data, "dir-") }

// Times returns how often to repeat, in the full and in the smaller run.
func (b *Bench) Times(full, quick int) int {
	if b.options.Quick {
		return quick
	}
	return full
}

// Span is Times for durations.
func (b *Bench) Span(full, quick time.Duration) time.Duration {
	if b.options.Quick {
		return quick
	}
	return full
}
