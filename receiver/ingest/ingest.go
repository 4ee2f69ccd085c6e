// Package ingest receives messages over HTTP: a server that stores requests in a durable queue of
// carrier's own, and each subscription of that queue seen as a receiver.Receiver.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/httpapi"
	"carrier/internal/queue"
	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/subscription"
	"carrier/receiver"
	"carrier/receiver/ingest/confirmed"
	"carrier/receiver/ingest/deadletters"
	"carrier/receiver/ingest/listed"
	"carrier/receiver/ingest/queued"
)

// Source is what messages of this receiver name as their source.
const Source = "ingest"

// A Server is the HTTP server and its queue. Its methods are safe for concurrent use.
type Server struct {
	options  Options
	topics   topics
	stopping atomic.Bool
	// confirmed are the keys of what the target has confirmed.
	confirmed *confirmed.Keys

	mu     sync.Mutex       // held while it is opened and closed
	left   map[int]struct{} // the receivers that have not been closed
	queue  atomic.Pointer[queue.Queue]
	server atomic.Pointer[httpServer]
}

// New returns a server that has opened nothing yet.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{options: o, topics: newTopics(o.Subscriptions), confirmed: confirmed.New(o.StoreTimeout), left: map[int]struct{}{}}
	for i := range o.Subscriptions {
		s.left[i] = struct{}{}
	}
	return s
}

// Receiver returns the receiver of subscription i of the options.
func (s *Server) Receiver(i int) *Receiver {
	return &Receiver{door: s, index: i, subscription: s.options.Subscriptions[i]}
}

// open opens the queue, then the address, once for all receivers.
func (s *Server) open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server.Load() != nil {
		return nil
	}
	if err := s.openTarget(ctx); err != nil {
		return err
	}
	if err := s.openQueue(); err != nil {
		return &receiver.Error{Operation: "open", Class: receiver.Invalid, Err: err}
	}
	if err := s.listen(ctx); err != nil {
		return &receiver.Error{Operation: "listen", Class: receiver.Invalid, Err: err}
	}
	return nil
}

func (s *Server) listen(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.options.Address)
	if err != nil {
		return err
	}
	if err := s.checkExposed(l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := s.serve(context.WithoutCancel(ctx), l); err != nil {
		return errors.Join(err, l.Close())
	}
	return nil
}

func (s *Server) openQueue() error {
	if s.queue.Load() != nil || s.options.Target != nil && !s.options.KeepFile {
		return nil
	}
	q, err := queue.Open(s.options.forQueue())
	if err != nil {
		return err
	}
	if err := queuefile.CheckModes(s.options.DataDir); err != nil {
		s.options.Warn("", "ingest: what is stored can be changed by others", err)
	}
	s.warnOfRemoved(q)
	s.queue.Store(q)
	return nil
}

// warnOfRemoved names the subscriptions that are not configured and that messages are kept for: a name
// with a typing error leaves them behind, and nobody would know before they are dropped.
func (s *Server) warnOfRemoved(q *queue.Queue) {
	for _, l := range q.List() {
		if l.Since.IsZero() || l.Waiting+l.Dead == 0 {
			continue
		}
		until := "for ever"
		if keep := s.options.RemovedKeep; keep > 0 {
			until = "until " + l.Since.Add(keep).UTC().Format(time.RFC3339)
		}
		s.options.Warn("", "ingest: messages are kept for a route that is not configured",
			fmt.Errorf("route %s: %d messages and %d dead letters, %s", subscription.NameOf(l.Name), l.Waiting, l.Dead, until))
	}
}

// checkExposed refuses an address that others on the network reach without a credential. It asks
// what the socket is bound to: a name says nothing that the resolver has not said.
func (s *Server) checkExposed(bound net.Addr) error {
	if s.options.credentials().Asked() || s.options.AllowAnonymous {
		return nil
	}
	if tcp, ok := bound.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%v is not a loopback address, and neither a token nor signing keys are set", bound)
}

// Addr is the address listened on, once Open has returned; nil before.
func (s *Server) Addr() net.Addr {
	if hs := s.server.Load(); hs != nil {
		return hs.listener.Addr()
	}
	return nil
}

// StopAccepting makes every request from now on be answered 503, and its connection be
// closed. What is stored already goes on being received; a Receive that would wait
// returns none instead.
func (s *Server) StopAccepting() {
	s.stopping.Store(true)
	if q := s.queue.Load(); q != nil {
		q.StopWaiting()
	}
}

// closeTimeout is how long Close waits for requests that are being answered; with a target as long as
// that may take, where this is longer.
const closeTimeout = 3 * time.Second

// close closes receiver i, and with the last one the server, and the queue once no request is being
// answered.
func (s *Server) close(i int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.left, i); len(s.left) > 0 {
		return nil
	}
	s.StopAccepting()
	var errs []error
	if hs := s.server.Load(); hs != nil {
		timeout := closeTimeout
		if s.options.Target != nil {
			timeout = max(timeout, s.options.StoreTimeout)
		}
		errs = append(errs, hs.close(timeout))
	}
	if q := s.queue.Load(); q != nil {
		errs = append(errs, q.Close())
	}
	return errors.Join(errs...)
}

// Connections is how many connections of producers are open; 0 before Open.
func (s *Server) Connections() int {
	if hs := s.server.Load(); hs != nil {
		return hs.listener.count()
	}
	return 0
}

// Usage is how many messages wait or are in flight, each once however many subscriptions get it, and
// what they cost in bytes; 0 before Open.
func (s *Server) Usage() (messages int, bytes int64) {
	if q := s.queue.Load(); q != nil {
		return q.Usage()
	}
	return 0, 0
}

// SetAside is how many damaged messages are kept in the file and not delivered; 0 before Open.
func (s *Server) SetAside() int {
	if q := s.queue.Load(); q != nil {
		return q.Subscription(0).Counts().SetAside
	}
	return 0
}

// RemovedDropped counts the messages that were dropped since the start with subscriptions that are
// not configured any more; 0 before Open.
func (s *Server) RemovedDropped() uint64 {
	if q := s.queue.Load(); q != nil {
		return q.RemovedDropped()
	}
	return 0
}

// DeadLetters are those of all subscriptions; ok is false before Open.
func (s *Server) DeadLetters() (letters deadletters.Letters, ok bool) {
	q := s.queue.Load()
	return deadletters.Letters{Queue: q}, q != nil
}

// API answers what packages listed and queued tell of this server's queue. Whoever serves it asks for a
// credential.
func (s *Server) API() http.Handler {
	var mux httpapi.Mux
	listed.Handle(&mux, s.queue.Load)
	queued.Handle(&mux, s.queue.Load)
	return &mux
}
