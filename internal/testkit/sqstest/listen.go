package sqstest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// TB is the part of testing.TB that Start needs, so that this package does not
// bring testing into a program.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start returns a server that listens on a port of its own on 127.0.0.1, and its
// endpoint, such as http://127.0.0.1:40123. It stops with the test.
func Start(tb TB, o Options) (s *Server, endpoint string) {
	tb.Helper()
	s = New(o)
	endpoint, stop, err := s.Listen("127.0.0.1:0")
	if err != nil {
		tb.Fatalf("sqstest: %v", err)
	}
	tb.Cleanup(stop)
	return s, endpoint
}

// Listen serves s at address and returns its endpoint. stop cuts every connection,
// and waits for the listener's goroutine.
func (s *Server) Listen(address string) (endpoint string, stop func(), err error) {
	l, err := net.Listen("tcp", address) //nolint:noctx // ends with stop
	if err != nil {
		return "", nil, err
	}
	return "http://" + l.Addr().String(), s.Serve(l), nil
}

// Serve serves s on l until stop is called.
func (s *Server) Serve(l net.Listener) (stop func()) { return Serve(l, s) }

// Serve serves h on l until stop is called.
func Serve(l net.Listener, h http.Handler) (stop func()) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return sync.OnceFunc(func() {
		_ = server.Close()
		<-done
	})
}

// Pipe serves s without a network: client reaches it under any host name. It works
// in a testing/synctest bubble if s was made there. stop ends both sides.
func (s *Server) Pipe() (client *http.Client, stop func()) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	transport := &http.Transport{DialContext: l.dial}
	stopServer := s.Serve(l)
	return &http.Client{Transport: transport}, func() {
		transport.CloseIdleConnections()
		stopServer()
	}
}

// A pipeListener accepts the other ends of the pipes it dials.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the server's end of the next pipe.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses every further dial.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a name for logs.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
