//go:build unix

// Command run starts a worker and a carrier for it on this machine and, at Ctrl-C,
// stops them one after the other: the worker has to outlive carrier, which is
// still waiting for its answers.
//
//	run [-sqs DEVSQS] CARRIER WORKER [ARGUMENT...]
//
// All get this program's environment. What is not set there is set so that carrier
// takes messages from its own queue, on loopback; with -sqs, from the queue orders of
// the SQS server that the program DEVSQS is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// readyLimit is how long the programs may take to find each other.
const readyLimit = 30 * time.Second

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err = setDefaults(o)
	if err == nil {
		err = checkFree(o)
	}
	if err == nil {
		err = run(o, signals)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	devsqs  string // the SQS server to start; empty for carrier's own queue
	carrier string
	worker  []string
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.StringVar(&o.devsqs, "sqs", "", "the program devsqs, to receive from in place of carrier's own queue")
	f.Usage = func() { fmt.Fprintln(os.Stderr, "usage: run [-sqs DEVSQS] CARRIER WORKER [ARGUMENT...]") }
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() < 2 {
		f.Usage()
		return o, errors.New("too few arguments")
	}
	o.carrier, o.worker = f.Arg(0), f.Args()[1:]
	return o, nil
}

// run returns when all have ended; without an error when that was asked for and
// carrier had drained.
func run(o options, signals <-chan os.Signal) error {
	if o.devsqs != "" {
		server, err := start(o.devsqs, "-queues", queues, "-redrive", "5")
		if err != nil {
			return err
		}
		defer server.stop()
	}
	worker, err := start(o.worker...)
	if err != nil {
		return err
	}
	defer worker.stop()
	carrier, err := start(o.carrier)
	if err != nil {
		return err
	}
	return watch(o, carrier, worker, signals)
}

// watch passes signals on to carrier, and returns when carrier has ended. The end of the worker is
// carrier's, too.
func watch(o options, carrier, worker *child, signals <-chan os.Signal) error {
	ready := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	go func() {
		if awaitReady(ctx) {
			close(ready)
		}
	}()
	for {
		select {
		case <-ready:
			greet(o)
			ready = nil
		case s := <-signals:
			carrier.signal(s)
		case <-worker.ended:
			carrier.stop()
			return fmt.Errorf("the worker ended: %w", worker.failure())
		case <-carrier.ended:
			if carrier.err != nil {
				return fmt.Errorf("carrier ended: %w; what it wrote last says why", carrier.err)
			}
			return nil
		}
	}
}

// awaitReady asks carrier's admin port until it is ready.
func awaitReady(ctx context.Context) bool {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(os.Getenv("CARRIER_ADMIN_ADDRESS"))+"/readyz", nil)
		if err != nil {
			return false
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// checkFree fails where somebody listens already at an address that the programs are to listen at,
// as another run does. What answers there later is one of them.
func checkFree(o options) error {
	names := []string{"WORKER_ADDRESS", "CARRIER_ADMIN_ADDRESS"}
	if o.devsqs != "" {
		names = append(names, "DEVSQS_ADDRESS")
	} else if os.Getenv("CARRIER_RECEIVER") == "ingest" {
		names = append(names, "CARRIER_INGEST_ADDRESS")
	}
	var errs []error
	for _, name := range names {
		address := reachable(os.Getenv(name))
		conn, err := net.DialTimeout("tcp", address, time.Second) //nolint:noctx // on this machine
		if err != nil {
			continue
		}
		_ = conn.Close()
		errs = append(errs, fmt.Errorf("somebody listens at %s already; another run? %s sets another address", address, name))
	}
	return errors.Join(errs...)
}

// reachable is a listener's address as a client on this machine writes it.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || (host != "" && host != "0.0.0.0" && host != "::") {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}
