package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"carrier/bench/figures"
	"carrier/bench/proc"
)

// A bench is what all scenarios share.
type bench struct {
	options
	root     string // of the repository
	programs string // the directory of the built programs
	data     string // a directory of this run alone
	machine  machine
	log      io.Writer // what the programs say
	running  []*proc.Process
	lock     *os.File
	slowSync time.Duration // by how much fdatasync is longer for programs that keep data
}

// A scenario is one thing to measure.
type scenario struct {
	name string
	// says is what is measured, and what could mislead.
	says string
	// quick makes it a part of the smaller run.
	quick   bool
	columns []column
	run     func(ctx context.Context, b *bench, r *figures.Results) error
}

// A column is one figure of a scenario's table.
type column struct {
	figure string // its name in a sample
	title  string
	digits int
}

// A finding is a scenario that was run.
type finding struct {
	scenario
	results figures.Results
	err     error
	took    time.Duration
}

// prepare makes the directories and builds the programs.
func prepare(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{options: o, machine: look()}
	if b.programs, err = filepath.Abs(o.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(b.programs, 0o750); err != nil {
		return nil, err
	}
	if err := b.alone(b.programs); err != nil {
		return nil, err
	}
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	b.root = filepath.Dir(string(module))
	if b.log, err = os.Create(filepath.Join(b.programs, "programs.log")); err != nil {
		return nil, err
	}
	if b.data, err = os.MkdirTemp(b.programs, "data-"); err != nil {
		return nil, err
	}
	if err := b.build(ctx); err != nil {
		b.clean()
		return nil, err
	}
	return b, nil
}

// alone holds a lock for as long as this process lives: two benchmarks at once would
// measure each other.
func (b *bench) alone(dir string) error {
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

func (b *bench) build(ctx context.Context) error {
	fmt.Println("building")
	steps := [][]string{{"build", "-o", b.programs + "/", "./bench/sqsserver", "./bench/pubsubserver", "./bench/worker", "./bench/poster", "./bench/disk", "./bench/slowdisk"}}
	if b.carrier == "" {
		b.carrier = filepath.Join(b.programs, "carrier")
		steps = append(steps, release(b.carrier, ""))
	}
	for _, args := range steps {
		if err := b.gobuild(ctx, args); err != nil {
			return err
		}
	}
	var err error
	b.carrier, err = filepath.Abs(b.carrier)
	return err
}

// lean are the build tags of every release: they leave out what carrier does not use.
const lean = "grpcnotrace,nethttpomithttp2"

// release is how carrier is built for release, with tags beside those.
func release(path, tags string) []string {
	return []string{"build", "-trimpath", "-tags", lean + "," + tags, "-ldflags", "-s -w", "-o", path, "."}
}

func (b *bench) gobuild(ctx context.Context, args []string) error {
	c := exec.CommandContext(ctx, "go", args...) //nolint:gosec // our own arguments
	c.Env, c.Dir = append(os.Environ(), "CGO_ENABLED=0"), b.root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	return nil
}

// all runs the scenarios that were asked for, one after another. One that fails does
// not keep the others from being run; the end of ctx does.
func (b *bench) all(ctx context.Context, list []scenario) (done []finding, err error) {
	fmt.Println(b.machine)
	for _, s := range list {
		if b.quick && !s.quick || !b.only.MatchString(s.name) {
			continue
		}
		f := finding{scenario: s}
		start := time.Now()
		f.err = s.run(ctx, b, &f.results)
		b.stopAll()
		f.took = time.Since(start)
		done = append(done, f)
		fmt.Println(f)
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if f.err != nil {
			err = fmt.Errorf("%s: %w", s.name, f.err)
		}
	}
	return done, err
}

// start starts a program that stopAll ends.
func (b *bench) start(c proc.Command) (*proc.Process, error) {
	c.Log = b.log
	p, err := proc.Start(c)
	if err == nil {
		b.running = append(b.running, p)
	}
	return p, err
}

// tool starts one of the benchmark's own programs.
func (b *bench) tool(name string, args ...string) (*proc.Process, error) {
	path := filepath.Join(b.programs, name)
	if name == "disk" {
		path, args = b.onDisk(path, args...)
	}
	return b.start(proc.Command{Path: path, Args: args})
}

// stopAll ends what is still running, the last one started first.
func (b *bench) stopAll() {
	for i := len(b.running) - 1; i >= 0; i-- {
		b.running[i].Stop()
	}
	b.running = nil
}

func (b *bench) clean() {
	b.stopAll()
	_ = os.RemoveAll(b.data)
	_ = b.lock.Close()
}

// times returns how often to repeat, in the full and in the smaller run.
func (b *bench) times(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

// span is times for durations.
func (b *bench) span(full, quick time.Duration) time.Duration {
	if b.quick {
		return quick
	}
	return full
}

// wait sleeps, and reports the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
