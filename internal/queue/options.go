package queue

import (
	"cmp"
	"os"
	"time"

	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/subscription"

	"go.etcd.io/bbolt"
)

// Events that Options.Report is told of.
const (
	// FileSetAside means that the file could not be read as a queue. It was kept under another
	// name, which the error gives, and an empty one begun.
	FileSetAside = queuefile.FileSetAside
	// MetaDamaged means that one of the file's two meta pages is damaged. What the last commit
	// changed may be lost.
	MetaDamaged = queuefile.MetaDamaged
	// ContentMissing means that the file holds fewer or more entries than its last commit counted.
	ContentMissing = queuefile.ContentMissing
	// ValueSetAside, ValueIgnored, CompactionFailed and DeadLetterDropped are those of the package
	// subscription.
	ValueSetAside     = subscription.ValueSetAside
	ValueIgnored      = subscription.ValueIgnored
	CompactionFailed  = subscription.CompactionFailed
	DeadLetterDropped = subscription.DeadLetterDropped
	// SubscriptionDropped means that a subscription that is not configured any more was dropped with
	// all it had.
	SubscriptionDropped = "subscription_dropped"
)

// DeadFull says what becomes of a rejected message when there is no room for dead letters.
type DeadFull = subscription.DeadFull

// Eviction says what becomes of the messages of a subscription that there is no room or no use for.
type Eviction = subscription.Eviction

// SubscriptionOptions says what one subscription is, and what it holds at most.
type SubscriptionOptions = subscription.Options

// The values of DeadFull and Eviction.
const (
	Keep       = subscription.Keep
	DropOldest = subscription.DropOldest

	Refuse         = subscription.Refuse
	DeadLetterThem = subscription.DeadLetterThem
	DropThem       = subscription.DropThem
)

// Options says where a queue lives and what it holds at most.
type Options struct {
	// Dir holds the file. It is made, with mode 0700, if it is not there.
	Dir string
	// Subscriptions are those that messages are stored for, at most 64. Nil is those that the file
	// names, and for a new file one without a name. Where one leaves Lease, MessageTimeout,
	// MaxMessages or MaxBytes at zero, those of the queue hold for it.
	Subscriptions []SubscriptionOptions
	// RemovedKeep is how long what a subscription has is kept that is not configured any more; zero
	// is for ever.
	RemovedKeep time.Duration
	// MaxMessages and MaxBytes are the quotas of messages waiting or in flight; zero is no
	// limit. A message counts once, however many subscriptions get it. It costs its body, what its
	// group and head exceed 1 KiB by, and 128 bytes for each subscription if it has a group or a
	// delay: that is about what it takes in memory. Dead letters have quotas of their own.
	MaxMessages int
	MaxBytes    int64
	// MaxDeadMessages and MaxDeadBytes are the quotas of dead letters; zero is no limit. A limit
	// of bytes is at most a quarter of the volume that Dir is on, so that dead letters alone
	// cannot fill it.
	MaxDeadMessages int
	MaxDeadBytes    int64
	// DeadFull says what becomes of a rejected message when a quota of dead letters is full.
	DeadFull DeadFull
	// MaxKeys is how many idempotency keys are remembered at most; zero is no limit. Past it
	// entries with a key are refused with ErrKeysFull.
	MaxKeys int
	// MessageTimeout, if not zero, is the age at which whoever receives a message gives it up:
	// a message that goes back is due by then.
	MessageTimeout time.Duration
	// Lease is how long a message is in flight before it comes back; zero is 30 s.
	Lease time.Duration
	// KeyWindow is how long an idempotency key is remembered; zero is 10 minutes.
	KeyWindow time.Duration
	// Report is told of what was damaged. It must be safe for concurrent use, and must not call
	// the queue. Nil tells nobody.
	Report func(event string, err error)
	// OnBroken is told once why the queue is broken, in a goroutine of its own. Nil tells nobody.
	OnBroken func(error)
	// TryFile opens the file at a path with TryFile of this package in another process, and
	// returns an error that wraps ErrDamagedFile where it cannot be opened. It is called at the
	// start after a process that did not close the queue. Nil does without.
	TryFile func(path string) error

	commit    func(*bbolt.Tx) error       // instead of Tx.Commit, in tests
	reserve   func(*os.File, int64) error // instead of allocate, in tests
	beginning func(dir string) error      // called before a new file is begun, in tests
}

// complete is s with what it leaves open.
func (o *Options) complete(s SubscriptionOptions) SubscriptionOptions {
	s.Lease = cmp.Or(s.Lease, o.Lease)
	s.MessageTimeout = cmp.Or(s.MessageTimeout, o.MessageTimeout)
	s.MaxMessages = cmp.Or(s.MaxMessages, o.MaxMessages)
	s.MaxBytes = cmp.Or(s.MaxBytes, o.MaxBytes)
	if s.OfflineAction == Refuse {
		s.OfflineAction = DeadLetterThem
	}
	if s.Warn == nil {
		s.Warn = func(string) {}
	}
	return s
}

func (o *Options) limits() subscription.Limits {
	return subscription.Limits{
		MaxMessages: o.MaxMessages, MaxBytes: o.MaxBytes,
		MaxDeadMessages: o.MaxDeadMessages, MaxDeadBytes: o.MaxDeadBytes, DeadFull: o.DeadFull,
	}
}

func (o Options) withDefaults() Options {
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.KeyWindow <= 0 {
		o.KeyWindow = 10 * time.Minute
	}
	if o.Report == nil {
		o.Report = func(string, error) {}
	}
	if o.OnBroken == nil {
		o.OnBroken = func(error) {}
	}
	if o.commit == nil {
		o.commit = (*bbolt.Tx).Commit
	}
	if o.beginning == nil {
		o.beginning = func(string) error { return nil }
	}
	if o.reserve == nil {
		o.reserve = queuefile.Allocate
	}
	return o
}
