package ingest

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"carrier/receiver/ingest/credential"
	"carrier/receiver/ingest/request"
)

// Limits that are no options.
const (
	idleTimeout  = 2 * time.Minute
	writeTimeout = 10 * time.Second
)

// An httpServer is net/http's, on a listener that bounds the connections.
type httpServer struct {
	http     *http.Server
	listener *listener
	cancel   context.CancelFunc // ends the waiting for commits
	serving  sync.WaitGroup     // the goroutine that accepts, and one for each connection
}

// serve answers requests that come through l, until the server is closed. Each request is
// handled under a context of its own that the producer's leaving does not end: what it has sent
// is stored all the same.
func (s *Server) serve(ctx context.Context, l net.Listener) error {
	certificate, err := openCertificate(s.options)
	if err != nil {
		return err
	}
	credentials, err := credential.Open(s.options.credentials())
	if err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	hs := &httpServer{cancel: cancel}
	hs.listener = newListener(l, certificate, s.options, &hs.serving)
	h := newHandler(s, credentials)
	hs.http = &http.Server{
		Handler:                      http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { h.serve(ctx, w, req) }),
		ReadHeaderTimeout:            request.HeadTimeout,
		ReadTimeout:                  s.options.ReadTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               request.MaxHeadBytes,
		DisableGeneralOptionsHandler: true,
		ConnState:                    hs.connState,
		ConnContext:                  withConn,
		ErrorLog:                     log.New(reporter(s.options.Report), "", 0),
	}
	s.server.Store(hs)
	hs.serving.Go(func() { _ = hs.http.Serve(hs.listener) }) // the listener reports its errors itself
	return nil
}

// connState follows net/http: a connection waits for a request again, or its goroutine ends.
func (s *httpServer) connState(nc net.Conn, state http.ConnState) {
	switch c := nc.(*conn); state {
	case http.StateIdle:
		c.await()
	case http.StateClosed:
		s.serving.Done()
	}
}

// A reporter is the Writer of net/http's log.
type reporter func(event string, err error)

// Write reports one line.
func (r reporter) Write(line []byte) (int, error) {
	text, _, _ := strings.Cut(string(line), "\n") // a stack follows a panic
	r("server", errors.New(text))
	return len(line), nil
}

// close ends connections that wait for a request, and the others once they are answered. After
// the timeout it waits for nobody: what is being sent then is not stored, and whoever waits for a
// commit gets no answer.
func (s *httpServer) close(timeout time.Duration) error {
	s.listener.stop()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	s.cancel()
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.serving.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the ingest server: %w", err)
	}
	return nil
}
