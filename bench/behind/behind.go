// Package behind puts a bare HTTP server in front of what stores bodies: what a door costs that does
// nothing but take bodies, have them stored, and answer.
package behind

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"carrier/bench/control"
	"carrier/bench/http1"
)

// The servers.
const (
	// NetHTTP is net/http's, which carrier has too.
	NetHTTP = "nethttp"
	// Bare is bench/http1, which costs least.
	Bare = "bare"
)

// maxBody is the largest body that is stored.
const maxBody = 64 << 10

// Serve takes bodies on a port of its own until standard input ends. Store is called from many
// goroutines and reports whether a body is stored.
func Serve(server string, store func(body []byte) bool) error {
	l, err := control.Listen()
	if err != nil {
		return err
	}
	switch server {
	case NetHTTP:
		go func() { _ = newNetHTTP(store).Serve(l) }()
	case Bare:
		go func() { _ = serveBare(l, store) }()
	default:
		return fmt.Errorf("no server %q", server)
	}
	return control.Run(l.Addr().String(), control.Panel{Stats: func() any { return struct{}{} }})
}

func newNetHTTP(store func(body []byte) bool) *http.Server {
	return &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 0 || r.ContentLength > maxBody {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil || !store(body) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
}

func serveBare(l net.Listener, store func(body []byte) bool) error {
	return http1.Serve(l, http1.Options{Keep: maxBody, Handle: func(c *http1.Conn, r *http1.Request) bool {
		return r.Length <= maxBody && store(r.Body) && c.Answer("200 OK", "", nil)
	}})
}
