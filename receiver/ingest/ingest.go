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
	"carrier/receiver"
)

// Source is what messages of this receiver name as their source.
const Source = "ingest"

// Options says where producers connect, what is accepted and where it is kept. The zero values
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
	// MaxDeadLetters and MaxDeadBytes are the quotas of dead letters, 100,000 and 256 MiB.
	// DropOldest drops the oldest ones where they are full; else a message that is rejected then
	// stays in the queue.
	MaxDeadLetters int
	MaxDeadBytes   int64
	DropOldest     bool
	// MessageTimeout is the age at which messages are given up, so that they are received by
	// then; zero is never.
	MessageTimeout time.Duration
	// OnBroken, if not nil, is told once that the queue can be believed no more and why: the
	// program must stop, also while nothing is received.
	OnBroken func(error)
	// TryFile is queue.Options.TryFile; may be nil.
	TryFile func(path string) error
	// MaxConnections is how many producers may be connected at once; 1024. At the limit the
	// connection that has been idle longest is closed for a new one.
	MaxConnections int
	// LongestBackoff is how long a rejected message waits that there is no room for among the dead
	// letters; 15 min.
	LongestBackoff time.Duration
	// Token is the bearer token that producers must send; empty asks for none.
	Token string
	// AllowAnonymous lets an address that is not loopback do without a Token. Without
	// it Open refuses that.
	AllowAnonymous bool
	// TLSCertFile and TLSKeyFile are PEM files, given together or not at all, that make the
	// server speak TLS. They are read again when they change.
	TLSCertFile, TLSKeyFile string
	// Replay says that the requests are made again at the worker's, so that their paths must be
	// such as may be put below its own.
	Replay bool
	// Lease is how long a message is in flight before it comes back; 30 s.
	Lease time.Duration
	// ReadTimeout is how long a request may take to arrive, its body included; 60 s.
	ReadTimeout time.Duration
	// OnAnswer, if not nil, is told the status of every answer. It, Warn and Report are safe for
	// concurrent use.
	OnAnswer func(status int)
	// Observer, if not nil, is told of duplicates.
	Observer receiver.Observer
	// Warn, if not nil, is told what an operator should know. MessageID is empty where it is about
	// no message; err may be nil.
	Warn func(messageID, text string, err error)
	// Report, if not nil, is told of damage that was found and contained. The events are
	// those of the queue, "handler_panic" and "server".
	Report func(event string, err error)

	bodyBudget int64 // a test's, in place of the default
}

func (o Options) withDefaults() Options {
	o.MaxBody = or(o.MaxBody, 1<<20)
	o.MaxMessages = or(o.MaxMessages, 1_000_000)
	o.MaxBytes = or(o.MaxBytes, 1<<30)
	o.MaxConnections = or(o.MaxConnections, 1024)
	o.LongestBackoff = or(o.LongestBackoff, 15*time.Minute)
	o.Lease = or(o.Lease, 30*time.Second)
	o.ReadTimeout = or(o.ReadTimeout, time.Minute)
	o.bodyBudget = or(o.bodyBudget, max(leastBudget, 2*o.MaxBody))
	o.MaxDeadLetters = or(o.MaxDeadLetters, 100_000)
	o.MaxDeadBytes = or(o.MaxDeadBytes, max(256<<20, o.MaxBody))
	if o.Observer == nil {
		o.Observer = receiver.NoObserver{}
	}
	if o.OnAnswer == nil {
		o.OnAnswer = func(int) {}
	}
	if o.Warn == nil {
		o.Warn = func(string, string, error) {}
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
	if err := CheckModes(r.options.DataDir); err != nil {
		r.options.Warn("", "ingest: what is stored can be changed by others", err)
	}
	r.queue.Store(q)
	return nil
}

// keysPerMessage times the quota of messages is how many idempotency keys are remembered at most:
// each outlives its message, by up to ten minutes.
const keysPerMessage = 2

// leastKeys is how many are remembered in any case: a small queue may be a fast one.
const leastKeys = 100_000

func (o Options) forQueue() queue.Options {
	full := queue.Keep
	if o.DropOldest {
		full = queue.DropOldest
	}
	return queue.Options{
		Dir: o.DataDir, MaxMessages: o.MaxMessages, MaxBytes: o.MaxBytes,
		MaxDeadMessages: o.MaxDeadLetters, MaxDeadBytes: o.MaxDeadBytes, DeadFull: full,
		MaxKeys: max(leastKeys, keysPerMessage*o.MaxMessages), MessageTimeout: o.MessageTimeout,
		Lease: o.Lease, Report: o.Report, TryFile: o.TryFile, OnBroken: o.OnBroken,
	}
}

// checkExposed refuses an address that others on the network reach without a credential. It asks
// what the socket is bound to: a name says nothing that the resolver has not said.
func (r *Receiver) checkExposed(bound net.Addr) error {
	if r.options.Token != "" || r.options.AllowAnonymous {
		return nil
	}
	if tcp, ok := bound.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%v is not a loopback address, and no token is set", bound)
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
