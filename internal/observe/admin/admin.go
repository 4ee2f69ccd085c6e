// Package admin serves the admin port: probes, metrics, and the door to draining.
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
	idleTimeout = 2 * time.Minute
	maxHead     = 16 << 10
)

// Options is what a Server is made of. The functions may be called at once.
type Options struct {
	// Address is host:port; an empty host means every interface.
	Address string
	// Token, unless it is empty, is what /drain wants as a bearer token.
	Token string
	// Live returns an error when the program is stuck. Nil means it never is.
	Live func() error
	// Ready returns what stands in the way of readiness, by subject; nothing when nothing
	// does. It must not hold secrets. Nil means nothing ever does.
	Ready func() map[string]string
	// Metrics serves /metrics; nil means there are none.
	Metrics http.Handler
	// Drain starts the drain, unless it has been started, and waits until it is over or
	// ctx ends; the drain goes on then. Nil means there is nothing to drain.
	Drain func(ctx context.Context) error
	// ErrorLog takes what net/http has to say; nil means the standard logger.
	ErrorLog *log.Logger
}

// A Server is an open admin port.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Open takes the port; it fails when that is not to be had. Nothing is answered
// before Serve.
func Open(ctx context.Context, o Options) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("open admin port: %w", err)
	}
	return newServer(listener, o), nil
}

func newServer(listener net.Listener, o Options) *Server {
	return &Server{listener: listener, server: &http.Server{
		Handler:           handler(o),
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
		return fmt.Errorf("serve admin port: %w", err)
	}
	return nil
}

// Close frees the port, and waits for the answers under way until ctx ends; what is
// still open then is cut off. It may be called without Serve.
func (s *Server) Close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	// Shutdown knows the listener only once Serve has run.
	_ = s.listener.Close()
	if err != nil && ctx.Err() != nil {
		return s.server.Close()
	}
	return nil
}
