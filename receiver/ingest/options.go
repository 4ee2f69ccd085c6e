package ingest

import (
	"strings"
	"time"

	"carrier/internal/queue"
	"carrier/publisher"
	"carrier/receiver"
	"carrier/receiver/ingest/bodies"
	"carrier/receiver/ingest/credential"
	"carrier/receiver/ingest/topic"
)

// Options says where producers connect, what is accepted and where it is kept. The zero values
// of limits are the defaults named.
type Options struct {
	// Target, if not nil, is the queue that messages are put into before a producer gets its answer,
	// StoreTimeout how long that may take, 5 s. Its owner closes it, after the server. KeepFile says
	// that what the target has not confirmed goes into the queue's file, and that the owner opens the
	// target; without it there is no file, and nothing is received. OnKept, if not nil, is told what has
	// become of each message that was to be stored, in one of the words from InQueue to FileFailed; it
	// is safe for concurrent use.
	Target       *publisher.Target
	StoreTimeout time.Duration
	KeepFile     bool
	OnKept       func(word string)
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
	// Subscriptions are those that get what is stored, at most 64. Without one there is one that has
	// no name and gets everything.
	Subscriptions []Subscription
	// RemovedKeep is how long what a subscription has is kept that is none of Subscriptions any more;
	// zero is for ever.
	RemovedKeep time.Duration
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
	// ReadTimeout is how long a request may take to arrive, its body included; 60 s.
	ReadTimeout time.Duration
	// OnAnswer, if not nil, is told the status of every answer. It, Warn and Report are safe for
	// concurrent use.
	OnAnswer func(status int)
	// Warn, if not nil, is told what an operator should know. MessageID is empty where it is about
	// no message; err may be nil.
	Warn func(messageID, text string, err error)
	// Report, if not nil, is told of damage that was found and contained. The events are
	// those of the queue, "handler_panic" and "server".
	Report func(event string, err error)

	bodyBudget int64 // a test's, in place of the default
}

// An Eviction says what becomes of messages that there is no room or no use for; see queue.Eviction.
type Eviction = queue.Eviction

// The evictions there are. Refuse is the default of Full, DeadLetterThem that of OfflineAction.
const (
	Refuse         = queue.Refuse
	DeadLetterThem = queue.DeadLetterThem
	DropThem       = queue.DropThem
)

// A Subscription gets what is stored for its topics. The zero values of limits are the defaults
// named.
type Subscription struct {
	// Name is how it is found again after a restart.
	Name string
	// Topics are the paths whose messages it gets: one that ends in a slash is that path and all
	// below it, another that path alone. None is "/".
	Topics []string
	// Lease is how long a message is in flight before it comes back; 30 s.
	Lease time.Duration
	// MessageTimeout is the age at which messages are given up; zero is never. One that waits for
	// its next attempt is received by then.
	MessageTimeout time.Duration
	// LongestBackoff is how long a rejected message waits that there is no room for among the dead
	// letters; 15 min.
	LongestBackoff time.Duration
	// Replay says that the requests are made again at the worker's, so that their paths must be
	// such as may be put below its own.
	Replay bool
	// MaxMessages and MaxBytes are the quotas of what waits; those of the queue. Full says what
	// happens beyond them.
	MaxMessages int
	MaxBytes    int64
	Full        Eviction
	// OfflineLimit is how long nothing may be delivered while something waits, zero for as long as
	// may be, and OfflineAction what becomes of what waits then. After it nothing is stored for the
	// subscription until Receiver.Online is called.
	OfflineLimit  time.Duration
	OfflineAction Eviction
	// Observer, if not nil, is told of duplicates.
	Observer receiver.Observer
	// Warn, if not nil, is told what an operator should know. MessageID is empty where it is about
	// no message; err may be nil. It is safe for concurrent use.
	Warn func(messageID, text string, err error)
}

func (s Subscription) withDefaults() Subscription {
	s.Lease = or(s.Lease, 30*time.Second)
	s.LongestBackoff = or(s.LongestBackoff, 15*time.Minute)
	if len(s.Topics) == 0 {
		s.Topics = []string{topic.Every}
	}
	if s.Observer == nil {
		s.Observer = receiver.NoObserver{}
	}
	if s.Warn == nil {
		s.Warn = func(string, string, error) {}
	}
	return s
}

func (s Subscription) forQueue() queue.SubscriptionOptions {
	return queue.SubscriptionOptions{
		Name: s.Name, Pattern: strings.Join(s.Topics, ","), Lease: s.Lease, MessageTimeout: s.MessageTimeout,
		MaxMessages: s.MaxMessages, MaxBytes: s.MaxBytes, Full: s.Full,
		OfflineLimit: s.OfflineLimit, OfflineAction: s.OfflineAction,
		Warn: func(text string) { s.Warn("", "ingest: "+text, nil) },
	}
}

func (o Options) withDefaults() Options {
	o.MaxBody = or(o.MaxBody, 1<<20)
	o.MaxMessages = or(o.MaxMessages, 1_000_000)
	o.MaxBytes = or(o.MaxBytes, 1<<30)
	o.StoreTimeout = or(o.StoreTimeout, 5*time.Second)
	o.MaxConnections = or(o.MaxConnections, 1024)
	o.ReadTimeout = or(o.ReadTimeout, time.Minute)
	o.bodyBudget = or(o.bodyBudget, max(bodies.Least, 2*o.MaxBody))
	o.MaxDeadLetters = or(o.MaxDeadLetters, 100_000)
	o.MaxDeadBytes = or(o.MaxDeadBytes, max(256<<20, o.MaxBody))
	if len(o.Subscriptions) == 0 {
		o.Subscriptions = []Subscription{{}}
	}
	subscriptions := make([]Subscription, len(o.Subscriptions))
	for i, s := range o.Subscriptions {
		subscriptions[i] = s.withDefaults()
	}
	o.Subscriptions = subscriptions
	if o.OnAnswer == nil {
		o.OnAnswer = func(int) {}
	}
	if o.OnKept == nil {
		o.OnKept = func(string) {}
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
	subscriptions := make([]queue.SubscriptionOptions, len(o.Subscriptions))
	for i, s := range o.Subscriptions {
		subscriptions[i] = s.forQueue()
	}
	return queue.Options{
		Dir: o.DataDir, Subscriptions: subscriptions, RemovedKeep: o.RemovedKeep, MaxMessages: o.MaxMessages, MaxBytes: o.MaxBytes,
		MaxDeadMessages: o.MaxDeadLetters, MaxDeadBytes: o.MaxDeadBytes, DeadFull: full,
		MaxKeys: max(leastKeys, 2*o.MaxMessages), Report: o.Report, TryFile: o.TryFile, OnBroken: o.OnBroken,
	}
}
