// Command sqsserver is the queue of the benchmark: the part of SQS's JSON protocol that
// a consumer uses, on one standard queue, with visibility timeouts and receive counts
// that are kept honestly, and books that say what became of every message. Messages that
// are sent to it are counted, and not kept. It does as little else as it can, for it shares
// the machine with what is measured.
package main

import (
	"flag"
	"time"

	"carrier/bench/control"
	"carrier/bench/http1"
	"carrier/bench/queue"
)

// keep is the longest request that is read whole: a batch of ten with long handles.
const keep = 64 << 10

func main() { control.Exit(run()) }

func run() error {
	s := &service{name: "bench"}
	size := flag.Int("size", 1024, "bytes in a body")
	flag.DurationVar(&s.lease, "lease", 30*time.Second, "visibility timeout of the queue")
	flag.DurationVar(&s.latency, "latency", 0, "time that every call takes")
	flag.Float64Var(&s.faults.throttle.of, "throttle", 0, "share of calls that are throttled")
	flag.Float64Var(&s.faults.dropBefore.of, "drop-before", 0, "share of calls whose connection is closed before they are carried out")
	flag.Float64Var(&s.faults.dropAfter.of, "drop-after", 0, "share of calls whose connection is closed after they were carried out")
	flag.Float64Var(&s.faults.failDelete.of, "fail-delete", 0, "share of entries of deletes that fail")
	dir := flag.String("tls", "", "serve TLS by the certificate in this directory")
	flag.Parse()
	s.queue = queue.New(*size, func() int64 { return time.Now().UnixNano() })
	s.render = newRenderer(s.queue)

	l, err := control.ListenTLS(*dir)
	if err != nil {
		return err
	}
	scheme := "http"
	if *dir != "" {
		scheme = "https"
	}
	s.url = scheme + "://" + l.Addr().String() + "/000000000000/" + s.name
	go func() { _ = http1.Serve(l, http1.Options{Handle: s.handle, Keep: keep}) }()
	return control.Run(l.Addr().String(), control.Panel{
		Stats:  func() any { return s.stats() },
		Orders: s.queue.Orders(),
	})
}
