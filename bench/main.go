// Command bench measures carrier against limits that it measures in the same run on the
// same machine, prints tables, and writes a report. It knows carrier only from outside:
// the built program, a queue and a worker are processes of their own, and what they cost
// is asked of the operating system. All traffic stays on the loopback interface.
//
// Usage, from the root of the repository: go run ./bench [flags]; see -help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"carrier/bench/harness"
	"carrier/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	quick   bool
	carrier string
	report  string
	only    *regexp.Regexp
	dir     string
	tls     bool
	env     []string
	limit   time.Duration
}

func flags() (options, error) {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "the smaller run, in under two minutes")
	flag.StringVar(&o.carrier, "carrier", "", "program to measure; empty builds it from this tree")
	flag.StringVar(&o.report, "report", filepath.Join("bin", "bench", "report.md"), "report to write; its plots go beside it")
	only := flag.String("only", "", "run the scenarios whose name matches this regular expression")
	flag.StringVar(&o.dir, "dir", filepath.Join("bin", "bench"), "directory for programs and data; it should be on a real disk")
	flag.BoolVar(&o.tls, "tls", false, "TLS to the queue and to the worker, in every scenario over SQS")
	flag.Func("env", "more of carrier's environment, as NAME=value; may be given several times", func(v string) error {
		o.env = append(o.env, v)
		return nil
	})
	flag.DurationVar(&o.limit, "limit", 45*time.Minute, "give up after this long")
	flag.Parse()
	if flag.NArg() > 0 {
		return o, fmt.Errorf("takes no argument %q", flag.Arg(0))
	}
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}

func run(ctx context.Context) error {
	o, err := flags()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	machine := report.Look()
	h, err := harness.Open(ctx, harness.Options{Quick: o.quick, Carrier: o.carrier, Dir: o.dir, TLS: o.tls, Env: o.env})
	if err != nil {
		return err
	}
	defer h.Close()
	fmt.Println(machine)
	b := &bench{h}
	done, err := b.all(ctx, o, scenarios())
	fmt.Printf("\n## Aims\n\n%s\n", report.AimTable(done))
	return errors.Join(err, report.Write(o.report, machine, done))
}
