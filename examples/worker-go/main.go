// Command worker-go is an example worker: it prints each message that carrier posts
// to it and answers 200.
//
// To try things out: WORKER_ADDRESS is where it listens (127.0.0.1:9000),
// WORKER_LIMIT how many messages it works on at once (8), WORKER_DELAY how many
// seconds it takes for each (0), WORKER_STATUS what it answers then (200).
// "worker-go health" asks one that runs whether it is there.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	address := cmp.Or(os.Getenv("WORKER_ADDRESS"), "127.0.0.1:9000")
	do := serve
	if len(os.Args) == 2 && os.Args[1] == "health" {
		do = health
	}
	if err := do(address); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// serve answers until SIGTERM or SIGINT, and then finishes what it has begun.
func serve(address string) error {
	w, err := newWorker(os.Getenv)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/", w)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	l, err := (&net.ListenConfig{}).Listen(stop, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("worker: listening at http://%v\n", l.Addr())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	fmt.Println("worker: stopping")
	grace, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = server.Shutdown(grace)
	fmt.Println("worker: stopped")
	return err
}

// health fails when no worker answers at address.
func health(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

// number reads a variable that holds a number of at least zero.
func number(getenv func(string) string, name string, unset float64) (float64, error) {
	text := getenv(name)
	if text == "" {
		return unset, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q; it is a number", name, text)
	}
	return n, nil
}
