// Package admin serves the admin port: probes, metrics, and the request to drain.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

const (
	headTimeout = 5 * time.Second
	// callTimeout bounds reading a request, and writing its answer but for /drain's.
	callTimeout = 30 * time.Second
	// idleTimeout is how long a connection waits for the next request. A scraper that asks less
	// often connects anew.
	idleTimeout = 10 * time.Second
	maxHead     = 16 << 10
)

// Options is what a Server is made of. The functions are safe for concurrent use.
type Options struct {
	// Address is host:port; an empty host means every interface.
	Address string
	// Token, unless it is empty, is what /drain wants as a bearer token. Without one it wants
	// the header X-Carrier-Drain: yes, which no browser sends on behalf of another site.
	Token string
	// Live returns an error when the program is stuck. Nil means it never is.
	Live func() error
	// Ready returns what stands in the way of readiness, by subject; nothing when nothing
	// does. It must not hold secrets. Nil means nothing ever does.
	Ready func() map[string]string
	// ReadyOf returns the same for the route called so, and whether there is one. Nil means that
	// there is none.
	ReadyOf func(route string) (reasons map[string]string, known bool)
	// API serves the paths that begin with /v1/, to requests that have Token as their bearer token
	// and whose Host is an address, localhost or one of Hosts. Without a Token, or where it is nil,
	// these paths are not there.
	API http.Handler
	// Page serves / and the paths right below it that are no other's, to requests with such a Host: it
	// asks for no token, since what it serves is the same everywhere. Nil means there is none.
	Page  http.Handler
	Hosts []string
	// Metrics serves /metrics; nil means there are none.
	Metrics http.Handler
	// Drain starts the drain, unless it has been started, and waits until it is over or
	// ctx ends; the drain goes on then. from is the address that asks. Nil means there is
	// nothing to drain.
	Drain func(ctx context.Context, from string) error
	// ErrorLog takes what net/http reports; nil means the standard logger.
	ErrorLog *log.Logger
}

// A Server is an open admin port.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Open listens on the port; it fails where it may not, or where another program does. Nothing is
// answered before Serve.
func Open(ctx context.Context, o Options) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("open the admin port: %w", err)
	}
	return newServer(listener, o), nil
}

func newServer(listener net.Listener, o Options) *Server {
	c := newConnections()
	return &Server{listener: listener, server: &http.Server{
		Handler:           c.answering(handler(o)),
		ConnState:         c.track,
		ConnContext:       c.name,
		ErrorLog:          o.ErrorLog,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       callTimeout,
		WriteTimeout:      callTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
	}}
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers until Close; it returns nil then, and what went wrong otherwise. It is
// called once.
func (s *Server) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the admin port: %w", err)
	}
	return nil
}

// Close frees the port, and waits for the answers that are being written until ctx ends; what is
// still open then is closed. It may be called without Serve.
func (s *Server) Close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	// Shutdown closes the listener only once Serve has run.
	_ = s.listener.Close()
	if err != nil && ctx.Err() != nil {
		return s.server.Close()
	}
	return nil
}
