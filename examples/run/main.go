//go:build unix

// Command run starts a worker and a carrier for it on this machine and, at Ctrl-C,
// stops them one after the other: the worker has to outlive carrier, which is
// still waiting for its answers.
//
//	run CARRIER WORKER
//
// Both get this program's environment. What is not set there is set so that carrier
// takes messages from its own queue, on loopback.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// readyLimit is how long the two may take to find each other.
const readyLimit = 30 * time.Second

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: run CARRIER WORKER")
		os.Exit(2)
	}
	if err := defaults(); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := run(os.Args[1], os.Args[2], signals); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

// run returns when both have ended; without an error when that was asked for and
// carrier had drained.
func run(carrierPath, workerPath string, signals <-chan os.Signal) error {
	worker, err := start(workerPath)
	if err != nil {
		return err
	}
	defer worker.stop()
	carrier, err := start(carrierPath)
	if err != nil {
		return err
	}
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
			invite()
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

// invite says what to do next.
func invite() {
	fmt.Println("\ncarrier is ready; Ctrl-C drains it.")
	if os.Getenv("CARRIER_RECEIVER") == "ingest" {
		fmt.Printf("In another terminal:\n\n  curl -i http://%s/orders -H 'Content-Type: application/json' -d '{\"order\":1}'\n\n",
			reachable(os.Getenv("CARRIER_INGEST_ADDRESS")))
	}
}

// defaults sets what the environment leaves open.
func defaults() error {
	worker := "127.0.0.1:9000"
	if set := os.Getenv("WORKER_ADDRESS"); set != "" {
		worker = set
	}
	values := map[string]string{
		"WORKER_ADDRESS":           worker,
		"CARRIER_WEBHOOK_ENDPOINT": "http://" + worker,
		"CARRIER_RECEIVER":         "ingest",
		"CARRIER_INGEST_ADDRESS":   "127.0.0.1:8080",
		"CARRIER_ADMIN_ADDRESS":    "127.0.0.1:9010",
	}
	if out, err := os.Stdout.Stat(); err == nil && out.Mode()&os.ModeCharDevice != 0 {
		values["CARRIER_ENABLE_COLORIZED_LOGGING"] = "true"
	}
	var errs []error
	for name, value := range values {
		if os.Getenv(name) == "" {
			errs = append(errs, os.Setenv(name, value))
		}
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
