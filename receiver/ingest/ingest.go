// Package ingest receives messages over HTTP: a door that stores requests in a durable
// queue of carrier's own, and that queue seen as a receiver.Receiver.
package ingest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/netaddr"
	"carrier/internal/queue"
	"carrier/receiver"
)

// Source is what messages of this receiver name as their source.
const Source = "ingest"

// Options says where the door is, what it lets in, and where that is kept. The zero values
// of limits are the defaults named.
type Options struct {
	// Address is what is listened on, host:port.
	Address string
	// DataDir holds the queue's file, and is made if it is not there.
	DataDir string
	// MaxBody is the largest body taken, in bytes; 1 MiB.
	MaxBody int64
	// MaxMessages and MaxBytes are the queue's quotas, 1,000,000 and 1 GiB. A message
	// costs its body, and what its headers take beyond 1 KiB.
	MaxMessages int
	MaxBytes    int64
	// MaxConnections is how many producers may be connected at once; 1024. Others wait
	// until one leaves.
	MaxConnections int
	// Token is the bearer token that producers must send; empty asks for none.
	Token string
	// AllowAnonymous lets an address that is not loopback do without a Token. Without
	// it Open refuses that.
	AllowAnonymous bool
	// Lease is how long a message is in hand before it comes back; 30 s.
	Lease time.Duration
	// ReadTimeout is how long a body may take to arrive; 60 s.
	ReadTimeout time.Duration
	// OnAnswer, if not nil, is told the status of every answer.
	OnAnswer func(status int)
	// Report, if not nil, is told of damage that was found and contained. The events are
	// those of the queue, "handler_panic" and "server".
	Report func(event string, err error)
}

func (o Options) withDefaults() Options {
	o.MaxBody = or(o.MaxBody, 1<<20)
	o.MaxMessages = or(o.MaxMessages, 1_000_000)
	o.MaxBytes = or(o.MaxBytes, 1<<30)
	o.MaxConnections = or(o.MaxConnections, 1024)
	o.Lease = or(o.Lease, 30*time.Second)
	o.ReadTimeout = or(o.ReadTimeout, time.Minute)
	if o.OnAnswer == nil {
		o.OnAnswer = func(int) {}
	}
	if o.Report == nil {
		o.Report = func(string, error) {}
	}
	return o
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// A Receiver is the door and its queue. It keeps the promises of receiver.Receiver.
type Receiver struct {
	options  Options
	stopping atomic.Bool

	mu     sync.Mutex // held by Open and Close
	queue  atomic.Pointer[queue.Queue]
	server *server
	addr   atomic.Pointer[net.Addr]
}

var _ receiver.Receiver = (*Receiver)(nil)

// New returns a receiver that has opened nothing yet.
func New(o Options) *Receiver { return &Receiver{options: o.withDefaults()} }

// Open opens the queue, then the door. Every error is one that waiting does not help:
// of class Invalid when the address or the directory cannot be had (taken by another
// process, not allowed, refused for want of a token). Requests are answered from its
// return on.
func (r *Receiver) Open(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		return nil
	}
	if err := r.guarded(); err != nil {
		return &receiver.Error{Operation: "listen", Class: receiver.Invalid, Err: err}
	}
	if err := r.openQueue(); err != nil {
		return &receiver.Error{Operation: "open", Class: receiver.Invalid, Err: err}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", r.options.Address)
	if err != nil {
		return &receiver.Error{Operation: "listen", Class: receiver.Invalid, Err: err}
	}
	r.serve(context.WithoutCancel(ctx), listener)
	return nil
}

func (r *Receiver) openQueue() error {
	if r.queue.Load() != nil {
		return nil
	}
	q, err := queue.Open(queue.Options{
		Dir: r.options.DataDir, MaxMessages: r.options.MaxMessages, MaxBytes: r.options.MaxBytes,
		Lease: r.options.Lease, Report: r.options.Report,
	})
	if err != nil {
		return err
	}
	r.queue.Store(q)
	return nil
}

// guarded refuses a door that anybody on the network could come through.
func (r *Receiver) guarded() error {
	if r.options.Token != "" || r.options.AllowAnonymous {
		return nil
	}
	if netaddr.IsLoopback(r.options.Address) {
		return nil
	}
	return errors.New("the address is not a loopback one, and no token is set")
}

// Addr is where the door is, once Open has returned; nil before.
func (r *Receiver) Addr() net.Addr {
	if a := r.addr.Load(); a != nil {
		return *a
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

// Close closes the door, and the queue once nobody is in the door any more.
func (r *Receiver) Close() error {
	r.StopAccepting()
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	if r.server != nil {
		errs = append(errs, r.server.close(closeTimeout))
	}
	if q := r.queue.Load(); q != nil {
		errs = append(errs, q.Close())
	}
	return errors.Join(errs...)
}

// QueueMessages is how many messages wait or are in hand; 0 before Open.
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
