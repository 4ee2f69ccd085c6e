// Package workerapi is the HTTP server where consumers take messages and settle them: the worker
// address.
package workerapi

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/httpapi"
	"carrier/transmitter/handoff"
	"carrier/transmitter/handoff/runtimeapi"
)

const (
	headTimeout = 5 * time.Second
	// bodyTimeout bounds the reading of a request's body, answerTimeout the writing of messages, and
	// callTimeout everything, the longest wait included.
	bodyTimeout   = 30 * time.Second
	answerTimeout = 30 * time.Second
	callTimeout   = 2 * time.Minute
	idleTimeout   = 2 * time.Minute
	maxHead       = 16 << 10
	// maxLambdaHead is maxHead where functions may answer, without a token: they send up to 1 MiB of
	// their error as a header.
	maxLambdaHead = 1<<20 + maxHead
	// maxWaits is how many requests may wait for messages at once, and maxConnections how many
	// connections may be open: those that wait, and others that settle.
	maxWaits       = 10_000
	maxConnections = maxWaits + 2_000
	// maxStreams is how many streams may be open beside them.
	maxStreams = 1_000
)

// A Route is one whose messages are taken here.
type Route struct {
	// Name is empty for the route without a name.
	Name string
	// Table is where its messages are handed over.
	Table *handoff.Table
	// Asked says that consumers ask for its messages: without it they are only settled here.
	Asked bool
	// Most is how many of its messages consumers hold at once, at most.
	Most int
	// ContentType is that of messages whose producer named none.
	ContentType string
	// MaxHeaderBytes is the most bytes of headers that an answer has with one message.
	MaxHeaderBytes int
	// UnwrapSNS hands over, in place of an SNS notification, the message and the attributes in it.
	UnwrapSNS bool
	// Records is the most messages in one invocation of a Lambda function, and Lease the time that it
	// may take. Where Records is zero there are none.
	Records int
	Lease   time.Duration
}

// Options is what a Server is made of.
type Options struct {
	// Address is host:port, or unix:// and the path of a socket.
	Address string
	// Token is what every request has to carry as its bearer token; empty where none is needed.
	Token string
	// Hosts are the names by which the server may be asked, beside addresses and localhost. A Unix
	// socket may be asked by any name.
	Hosts  []string
	Routes []Route
	// Warn is told what people should know; nil means that nobody wants to.
	Warn func(text string)
	// ErrorLog takes what net/http reports; nil means the standard logger.
	ErrorLog *log.Logger
}

// A Server is the open worker address. Its methods are safe for concurrent use.
type Server struct {
	o        Options
	tables   handoff.Tables
	socket   bool
	listener net.Listener
	http     *http.Server
	waits    atomic.Int64
	streams  *streams
	buffers  buffers
	runtime  *runtimeapi.API
	draining chan struct{} // closed by Drain
	drain    sync.Once
	closing  chan struct{} // closed by Close
	close    sync.Once
}

// Open listens on the address. Nothing is answered before Serve.
func Open(ctx context.Context, o Options) (*Server, error) {
	listener, err := listen(ctx, o.Address)
	if err != nil {
		return nil, fmt.Errorf("open the worker address: %w", err)
	}
	s := newServer(o)
	s.listener = listener
	return s, nil
}

func newServer(o Options) *Server {
	_, socket := socketPath(o.Address)
	s := &Server{o: o, socket: socket, streams: newStreams(), draining: make(chan struct{}), closing: make(chan struct{})}
	s.runtime = s.newRuntime()
	for _, r := range o.Routes {
		s.tables = append(s.tables, r.Table)
	}
	s.http = &http.Server{
		Handler:           s.handler(),
		ErrorLog:          o.ErrorLog,
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
	}
	if o.Token == "" {
		s.http.MaxHeaderBytes = maxLambdaHead
	}
	httpapi.LimitConnections(s.http, maxConnections)
	return s
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Counts is how many requests wait for messages, and how many streams are open.
func (s *Server) Counts() (waits, streams int) {
	return int(s.waits.Load()), int(s.streams.count.Load())
}

// Serve answers until Close; it returns nil then, and what went wrong otherwise. It is called once.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the worker address: %w", err)
	}
	return nil
}

// Drain hands over no more messages, and ends the waiting of those that ask. What consumers hold is
// settled as before.
func (s *Server) Drain() { s.drain.Do(func() { close(s.draining) }) }

// Close frees the address, and waits for the answers that are being written and for the ends of
// streams until ctx ends; what is still open then is closed. It may be called without Serve.
func (s *Server) Close(ctx context.Context) error {
	s.Drain()
	s.streams.end()
	s.close.Do(func() { close(s.closing) })
	err := s.http.Shutdown(ctx)
	s.streams.wait(ctx)
	// Shutdown closes the listener only once Serve has run.
	_ = s.listener.Close()
	if err != nil && ctx.Err() != nil {
		return s.http.Close()
	}
	return nil
}
