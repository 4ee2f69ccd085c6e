package ingest

import (
	"time"

	"carrier/internal/queue"
	"carrier/receiver"
	"carrier/receiver/ingest/bodies"
	"carrier/receiver/ingest/credential"
)

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
	// MaxDeadLetters and MaxDeadBytes are the quotas of dead letters, 100,000 and 256 MiB. When one
	// is full a rejected message stays in the queue, or the oldest dead letters are dropped if
	// DropOldest is set.
	MaxDeadLetters int
	MaxDeadBytes   int64
	DropOldest     bool
	// MessageTimeout is the age at which messages are given up; zero is never. One that waits for
	// its next attempt is received by then.
	MessageTimeout time.Duration
	// LongestBackoff is how long a rejected message waits that there is no room for among the dead
	// letters; 15 min.
	LongestBackoff time.Duration
	// OnBroken, if not nil, is told once that the queue can be believed no more and why: the
	// program must stop, also while nothing is received.
	OnBroken func(error)
	// TryFile is queue.Options.TryFile; may be nil.
	TryFile func(path string) error
	// MaxConnections is how many producers may be connected at once; 1024. At the limit the
	// connection that has been idle longest is closed for a new one.
	MaxConnections int
	// Token is the bearer token that producers must send; empty asks for none.
	Token string
	// SigningKeys and SigningFile are those of credential.Options: a producer whose request is signed
	// by one of the keys needs no Token.
	SigningKeys, SigningFile string
	// AllowAnonymous lets an address that is not loopback do without Token and signing keys. Without
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
	o.Lease = or(o.Lease, 30*time.Second)
	o.ReadTimeout = or(o.ReadTimeout, time.Minute)
	o.bodyBudget = or(o.bodyBudget, max(bodies.Least, 2*o.MaxBody))
	o.MaxDeadLetters = or(o.MaxDeadLetters, 100_000)
	o.MaxDeadBytes = or(o.MaxDeadBytes, max(256<<20, o.MaxBody))
	o.LongestBackoff = or(o.LongestBackoff, 15*time.Minute)
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

func (o Options) credentials() credential.Options {
	return credential.Options{
		Token: o.Token, SigningKeys: o.SigningKeys, SigningFile: o.SigningFile,
		Warn: func(err error) {
			o.Warn("", "ingest: changed signing keys cannot be used; the previous ones stay in force", err)
		},
	}
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// leastKeys is how many idempotency keys are remembered at least; else it is twice as many as there
// may be messages.
const leastKeys = 100_000

func (o Options) forQueue() queue.Options {
	full := queue.Keep
	if o.DropOldest {
		full = queue.DropOldest
	}
	return queue.Options{
		Dir: o.DataDir, MaxMessages: o.MaxMessages, MaxBytes: o.MaxBytes,
		MaxDeadMessages: o.MaxDeadLetters, MaxDeadBytes: o.MaxDeadBytes, DeadFull: full,
		MaxKeys: max(leastKeys, 2*o.MaxMessages), MessageTimeout: o.MessageTimeout,
		Lease: o.Lease, Report: o.Report, TryFile: o.TryFile, OnBroken: o.OnBroken,
	}
}
