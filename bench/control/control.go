// Package control is how the benchmark's runner talks to the programs it starts: each
// prints one line that says where it listens, answers questions there, and ends when
// its standard input does.
package control

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Ready is the one line that a program prints, as JSON, once it listens.
type Ready struct {
	// Serve is the address that is measured; empty for programs that only send.
	Serve string `json:"serve"`
	// Control is the address of this package's handler.
	Control string `json:"control"`
}

// A Panel is what a program lets its runner ask and order.
type Panel struct {
	// Stats is answered to GET /stats, as JSON.
	Stats func() any
	// Orders are carried out at POST of their path, such as /fill.
	Orders map[string]func(r *http.Request) error
}

// Listen opens a port of the loopback interface that nobody else uses.
func Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") } //nolint:noctx // nothing to wait for

// FreeAddress is an address of the loopback interface that nobody listens on, for a program that takes
// it soon.
func FreeAddress() (string, error) {
	l, err := Listen()
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Run serves p, says so on standard output together with the address serve, and
// returns when standard input ends.
func Run(serve string, p Panel) error {
	l, err := Listen()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	if err := json.NewEncoder(os.Stdout).Encode(Ready{Serve: serve, Control: l.Addr().String()}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Close()
}

func (p Panel) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(p.Stats())
	})
	for path, order := range p.Orders {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			if err := order(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	return mux
}

// Exit ends the program as err says.
func Exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
