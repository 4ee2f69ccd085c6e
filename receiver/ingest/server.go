package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of a connection that are no options.
const (
	maxHeaderBytes    = 32 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	writeTimeout      = 10 * time.Second
	// acceptPause is the time between two tries of a listener that fails, for want of
	// descriptors for instance.
	acceptPause = 100 * time.Millisecond
)

// A server answers producers over HTTP/1.1, each connection in one goroutine. Requests are
// parsed by net/http. Its server is not used: that one reads ahead in a second goroutine
// while a request is answered, which with the copies it makes of headers and answers is a
// good part of what it costs to take a message.
type server struct {
	handler  *handler
	listener net.Listener
	cancel   context.CancelFunc // ends the waiting for commits
	running  sync.WaitGroup     // the accepting and the connections
	places   chan struct{}      // one for each connection that may be open
	closing  atomic.Bool

	mu   sync.Mutex
	open map[*conn]struct{}
}

// serve answers on listener until the server is closed.
func (r *Receiver) serve(ctx context.Context, listener net.Listener) {
	addr := listener.Addr()
	r.addr.Store(&addr)
	ctx, cancel := context.WithCancel(ctx)
	r.server = &server{
		handler: newHandler(r), listener: listener, cancel: cancel,
		places: make(chan struct{}, r.options.MaxConnections), open: make(map[*conn]struct{}),
	}
	r.server.running.Go(func() { r.server.accept(ctx) })
}

// accept takes connections while there are places for them.
func (s *server) accept(ctx context.Context) {
	failing := false
	for {
		select {
		case s.places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		nc, err := s.listener.Accept()
		if err == nil {
			failing = false
			s.running.Go(func() { s.serve(ctx, newConn(nc)) })
			continue
		}
		<-s.places
		if s.closing.Load() || errors.Is(err, net.ErrClosed) {
			return
		}
		if !failing {
			s.handler.receiver.options.Report("server", err)
		}
		failing = true
		pause(ctx, acceptPause)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// serve answers one request after another.
func (s *server) serve(ctx context.Context, c *conn) {
	defer s.leave(c)
	defer s.contain(func() {})
	if !s.enter(c) {
		return
	}
	for c.begins() && s.exchange(ctx, c) {
		c.state.Store(idle)
		if s.closing.Load() {
			return
		}
	}
}

// contain ends a panic of its caller, which is reported, and then does as it is told.
func (s *server) contain(then func()) {
	if r := recover(); r != nil {
		s.handler.receiver.options.Report("handler_panic", fmt.Errorf("%v", r))
		then()
	}
}

func (s *server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	return !s.closing.Load()
}

func (s *server) leave(c *conn) {
	_ = c.wire.Close()
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	<-s.places
}

// close ends connections that are idle, and the others once they are answered. After the
// timeout it waits for nobody: what is being sent then is not stored, and whoever waits
// for a commit gets no answer.
func (s *server) close(timeout time.Duration) error {
	s.closing.Store(true)
	err := s.listener.Close()
	s.each(func(c *conn) {
		if c.state.CompareAndSwap(idle, over) {
			_ = c.wire.Close()
		}
	})
	late := time.AfterFunc(timeout, func() {
		s.cancel()
		s.each(func(c *conn) { _ = c.wire.Close() })
	})
	defer late.Stop()
	defer s.cancel()
	s.running.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the handler: %w", err)
	}
	return nil
}

func (s *server) each(do func(c *conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		do(c)
	}
}
