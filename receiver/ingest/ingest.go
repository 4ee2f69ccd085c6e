// Package ingest receives messages over HTTP: a server that stores requests in a durable
// queue of carrier's own, and that queue seen as a receiver.Receiver.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/queue"
	"carrier/internal/queue/queuefile"
	"carrier/receiver"
)

// Source is what messages of this receiver name as their source.
const Source = "ingest"

// A Receiver is the HTTP server and its queue. It keeps the promises of receiver.Receiver.
type Receiver struct {
	options  Options
	stopping atomic.Bool

	mu     sync.Mutex // held by Open and Close
	queue  atomic.Pointer[queue.Queue]
	server atomic.Pointer[server]
}

var _ receiver.Receiver = (*Receiver)(nil)

// New returns a receiver that has opened nothing yet.
func New(o Options) *Receiver { return &Receiver{options: o.withDefaults()} }

// Open opens the queue, then the address. Every error is one that waiting does not help:
// of class Invalid when the address or the directory cannot be had (taken by another
// process, not allowed, refused for want of a token). Requests are answered from its
// return on.
func (r *Receiver) Open(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server.Load() != nil {
		return nil
	}
	if err := r.openQueue(); err != nil {
		return &receiver.Error{Operation: "open", Class: receiver.Invalid, Err: err}
	}
	if err := r.listen(ctx); err != nil {
		return &receiver.Error{Operation: "listen", Class: receiver.Invalid, Err: err}
	}
	return nil
}

func (r *Receiver) listen(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", r.options.Address)
	if err != nil {
		return err
	}
	if err := r.checkExposed(l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := r.serve(context.WithoutCancel(ctx), l); err != nil {
		return errors.Join(err, l.Close())
	}
	return nil
}

func (r *Receiver) openQueue() error {
	if r.queue.Load() != nil {
		return nil
	}
	q, err := queue.Open(r.options.forQueue())
	if err != nil {
		return err
	}
	if err := queuefile.CheckModes(r.options.DataDir); err != nil {
		r.options.Warn("", "ingest: what is stored can be changed by others", err)
	}
	r.queue.Store(q)
	return nil
}

// checkExposed refuses an address that others on the network reach without a credential. It asks
// what the socket is bound to: a name says nothing that the resolver has not said.
func (r *Receiver) checkExposed(bound net.Addr) error {
	if r.options.credentials().Asked() || r.options.AllowAnonymous {
		return nil
	}
	if tcp, ok := bound.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%v is not a loopback address, and neither a token nor signing keys are set", bound)
}

// Addr is the address listened on, once Open has returned; nil before.
func (r *Receiver) Addr() net.Addr {
	if s := r.server.Load(); s != nil {
		return s.listener.Addr()
	}
	return nil
}

// StopAccepting makes every request from now on be answered 503, and its connection be
// closed. What is stored already goes on being received; a Receive that would wait
// returns none instead.
func (r *Receiver) StopAccepting() {
	r.stopping.Store(true)
	if q := r.queue.Load(); q != nil {
		q.StopWaiting()
	}
}

// closeTimeout is how long Close waits for requests that are being answered.
const closeTimeout = 3 * time.Second

// Close closes the server, and the queue once no request is being answered.
func (r *Receiver) Close() error {
	r.StopAccepting()
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	if s := r.server.Load(); s != nil {
		errs = append(errs, s.close(closeTimeout))
	}
	if q := r.queue.Load(); q != nil {
		errs = append(errs, q.Close())
	}
	return errors.Join(errs...)
}

// Connections is how many connections of producers are open; 0 before Open.
func (r *Receiver) Connections() int {
	if s := r.server.Load(); s != nil {
		return s.listener.count()
	}
	return 0
}

// QueueMessages is how many messages wait or are in flight; 0 before Open.
func (r *Receiver) QueueMessages() int {
	messages, _ := r.usage()
	return messages
}

// QueueBytes is what they cost, in bytes.
func (r *Receiver) QueueBytes() int64 {
	_, bytes := r.usage()
	return bytes
}

func (r *Receiver) usage() (messages int, bytes int64) {
	if q := r.queue.Load(); q != nil {
		return q.Usage()
	}
	return 0, 0
}

// Counts is what the queue holds; zero before Open.
func (r *Receiver) Counts() queue.Counts {
	if q := r.queue.Load(); q != nil {
		return q.Counts()
	}
	return queue.Counts{}
}
