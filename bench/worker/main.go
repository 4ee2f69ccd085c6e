// Command worker is the application of the benchmark: it takes POSTs, or asks for messages, answers as
// told, and keeps books: how long messages had been under way, whether any came twice,
// came early, or was cut off. It does as little else as it can, for it shares the
// machine with what is measured.
package main

import (
	"flag"
	"net/http"
	"strconv"
	"time"

	"carrier/bench/control"
	"carrier/bench/http1"
	"carrier/bench/load"
)

func main() { control.Exit(run()) }

func run() error {
	w := &worker{}
	flag.IntVar(&w.size, "size", 0, "bytes in every body; 0 for any")
	flag.DurationVar(&w.temper.latency, "latency", 0, "time until an answer")
	flag.DurationVar(&w.temper.slow, "slow", 0, "time until a slow answer")
	flag.Float64Var(&w.temper.slowShare, "slow-share", 0, "share of answers that are slow")
	flag.Float64Var(&w.temper.postpone, "defer", 0, "share of answers that are 429")
	flag.DurationVar(&w.temper.retryAfter, "retry-after", time.Second, "Retry-After of a 429, in whole seconds")
	flag.Float64Var(&w.temper.fail, "fail", 0, "share of answers that are 500")
	flag.Float64Var(&w.temper.drop, "drop", 0, "share of POSTs whose connection is closed")
	var c consumption
	flag.StringVar(&c.how, "ask", "", "how messages are asked for, pull or stream; empty is posted to")
	flag.StringVar(&c.at, "at", "", "carrier's worker address, to ask there")
	flag.IntVar(&c.clients, "clients", 4, "clients that ask at once")
	flag.IntVar(&c.batch, "batch", 10, "messages that each of them holds at once")
	usual := flag.Bool("net-http", false, "serve with net/http, as an application in Go would, and answer all POSTs with 200")
	dir := flag.String("tls", "", "serve TLS by the certificate in this directory")
	flag.Parse()

	l, err := control.ListenTLS(*dir)
	if err != nil {
		return err
	}
	if c.how != "" {
		w.consume(c)
	}
	go func() {
		if *usual {
			_ = http.Serve(l, http.HandlerFunc(w.serve)) //nolint:gosec // it ends with the benchmark
			return
		}
		_ = http1.Serve(l, http1.Options{Handle: w.handle, Keep: load.HeadLen, CutOff: w.ledger.cutOff})
	}()
	return control.Run(l.Addr().String(), control.Panel{
		Stats:  func() any { return w.ledger.read() },
		Orders: map[string]func(*http.Request) error{"/mark": w.mark},
	})
}

func (w *worker) mark(*http.Request) error {
	w.ledger.forget()
	return nil
}

func retryAfter(d time.Duration) string {
	return "Retry-After: " + strconv.Itoa(int(d/time.Second)) + "\r\n"
}
