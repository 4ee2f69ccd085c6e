// Command disk measures what the ingest scenarios are compared with: the disk by itself, and the
// database that carrier keeps its queue in by itself, with the same group commit and none of the
// rest. It prints one line of JSON and ends, but for the server.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"carrier/bench/behind"
	"carrier/bench/control"
)

func main() { control.Exit(run()) }

// result is what the runner is told.
type result struct {
	Rate float64       `json:"rate"` // fdatasyncs, or acknowledged records, a second
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
	// PerCommit is how many records shared one commit, on average.
	PerCommit float64 `json:"per_commit"`
	// CPU is the processor time spent on one record.
	CPU time.Duration `json:"cpu"`
}

func run() error {
	var o options
	what := flag.String("what", "fdatasync", "fdatasync, bbolt, or server: bbolt behind a bare HTTP server")
	flag.StringVar(&o.dir, "dir", ".", "directory to write in")
	flag.IntVar(&o.size, "size", 1024, "bytes in a record, or in a write")
	flag.IntVar(&o.producers, "producers", 1, "concurrent producers, of bbolt")
	flag.BoolVar(&o.remove, "remove", false, "also remove each record, in a later commit")
	flag.DurationVar(&o.during, "for", 2*time.Second, "how long to measure")
	flag.StringVar(&o.server, "http", behind.Bare, "nethttp or bare, for the server")
	flag.Parse()
	var (
		r   result
		err error
	)
	switch *what {
	case "fdatasync":
		r, err = syncs(o)
	case "bbolt":
		r, err = commits(o)
	case "server":
		return serveBolt(o)
	default:
		err = fmt.Errorf("cannot measure %q", *what)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

type options struct {
	dir, server     string
	size, producers int
	remove          bool
	during          time.Duration
}
