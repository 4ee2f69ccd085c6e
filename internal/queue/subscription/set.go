// Package subscription is what each subscription of a queue does by itself: it receives, settles,
// keeps dead letters, and takes away what there is no room for. A Set is all of them with what they
// share, the committer above all.
package subscription

import (
	"context"
	"errors"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"carrier/internal/queue/commit"
	"carrier/internal/queue/queuefile"
	"carrier/internal/queue/record"
	"carrier/internal/queue/schedule"
	"carrier/internal/queue/store"
)

// ErrLeaseLost means that the message is no longer under this lease.
var ErrLeaseLost = errors.New("lease lost")

// An Op is one change to the file.
type Op = commit.Op[*Tx, *Set]

// A Batch is what is committed together.
type Batch = commit.Batch[*Tx, *Set]

// A Tx is what an Op sees while it writes.
type Tx struct {
	store.Tx
	limits *Limits
	dead   record.Usage // of dead letters, those included that are about to be written
}

// SetOptions says what subscriptions share. None of the functions may be nil.
type SetOptions struct {
	Limits
	File *queuefile.DB
	// Found is what the file held when it was opened.
	Found *queuefile.Opened
	// Commit ends a transaction of bbolt and syncs it.
	Commit func(*bbolt.Tx) error
	// Closed is what callers are told once Close was called. OnFail is told once, with Mu held, why
	// nothing is committed any more, and returns what callers are told then.
	Closed error
	OnFail func(cause error) error
	// Report is told of what was damaged, and of dead letters that were dropped.
	Report func(event string, err error)
}

// A Set is the subscriptions of one file. Its methods are safe for concurrent use, save those that
// say that the caller holds Mu.
type Set struct {
	options SetOptions
	commits *commit.Committer[*Tx, *Set]
	// configured are those that messages are stored for, in their order. accepting has the bits of
	// those that are not offline; it is written with Mu held.
	configured []*Subscription
	accepting  atomic.Uint64
	noWait     atomic.Bool

	// Mu guards what follows, and the schedules and counts of all subscriptions.
	Mu sync.Mutex
	// bySlot are all that messages are kept for, configured or removed.
	bySlot [record.MaxSubscriptions]*Subscription
	// live and dead count each message once.
	live, dead record.Usage
	// setAside counts damaged messages; aside has those found since the
	// start, each with the slots of those who waited for it.
	setAside int
	aside    map[uint64]uint64
	reported time.Time // when something was last reported that may repeat
	// counts and nextExpiry are what the last commit left; the committer alone writes them.
	counts     record.Counts
	nextExpiry int64
}

// NewSet returns a set without subscriptions, of which Run has not been called.
func NewSet(o SetOptions) *Set {
	f := o.Found
	set := &Set{
		options: o, live: f.Live, dead: f.Dead, setAside: int(f.Counts[record.Quarantined]),
		aside: make(map[uint64]uint64), counts: f.Counts, nextExpiry: f.NextExpiry,
	}
	set.commits = commit.New(commit.Options[*Tx, *Set]{
		Lock: &set.Mu, File: o.File, State: set, Commit: o.Commit, Closed: o.Closed,
		Begin: set.begin, Conclude: set.conclude, Between: set.compactIfEmptied, OnFail: set.failed,
	})
	return set
}

// Run commits what is asked for, until Close or a failure. It is called once.
func (set *Set) Run() { set.commits.Run() }

// Close makes Run end once what was asked for is committed, wakes whoever waits for a message, and
// says whether this call was the first. The caller holds Mu.
func (set *Set) Close() (first bool) {
	first = set.commits.Close()
	set.wakeAll()
	return first
}

// Stopped is closed when Run has ended, Down when nothing is committed any more after a failure.
func (set *Set) Stopped() <-chan struct{} { return set.commits.Stopped() }

// Down is closed when nothing is committed any more after a failure.
func (set *Set) Down() <-chan struct{} { return set.commits.Down() }

// Broken is why nothing is committed any more; nil while there is no failure. The caller holds Mu, or
// Run has ended.
func (set *Set) Broken() error { return set.commits.Broken() }

// Closing says whether Close was called. The caller holds Mu.
func (set *Set) Closing() bool { return set.commits.Closing() }

// Usable reports why no more calls are taken, if none are. The caller holds Mu.
func (set *Set) Usable() error { return set.commits.Usable() }

// Fail ends everything after an error that leaves open what the file holds, unless Close was called.
// The caller holds Mu.
func (set *Set) Fail(cause error) {
	if !set.commits.Closing() {
		set.commits.Fail(cause)
	}
}

// failed is called by the committer. The caller holds Mu.
func (set *Set) failed(cause error) error {
	set.wakeAll()
	return set.options.OnFail(cause)
}

// Enqueue adds o to the batch that is gathering. The caller holds Mu, and has asked Usable.
func (set *Set) Enqueue(o Op, bytes int) *Batch { return set.commits.Enqueue(o, bytes) }

// Wait returns once b is committed, with what became of it.
func (set *Set) Wait(ctx context.Context, b *Batch) error { return set.commits.Wait(ctx, b) }

// View reads the file. A failure, also one of the memory mapping, ends everything.
func (set *Set) View(read func(b store.Buckets) error) error {
	err := set.options.File.View(func(tx *bbolt.Tx) error { return read(store.Of(tx)) })
	if err != nil {
		set.Mu.Lock()
		defer set.Mu.Unlock()
		set.Fail(err)
		return set.Usable()
	}
	return nil
}

// begin returns what the next batch is written with. The caller holds Mu.
func (set *Set) begin() *Tx {
	report := func(err error) { set.options.Report(ValueIgnored, err) }
	return &Tx{limits: &set.options.Limits, dead: set.dead, Tx: store.Tx{
		Now: time.Now().UnixNano(), Alive: set.alive(), Report: report, Counts: set.counts, NextExpiry: set.nextExpiry,
	}}
}

func (set *Set) conclude(t *Tx) { set.counts, set.nextExpiry = t.Counts, t.NextExpiry }

// compactIfEmptied is called by the committer between two commits.
func (set *Set) compactIfEmptied() {
	replaced, err := set.options.File.CompactIfEmptied(set.counts)
	switch {
	case err == nil:
	case !replaced:
		set.options.Report(CompactionFailed, err)
	default:
		set.Mu.Lock()
		defer set.Mu.Unlock()
		set.commits.Fail(err)
	}
}

// Add adds the subscription of a slot, with what the file holds of it. One that is not configured has
// no schedule: nothing of it is handed out. It is called before Run.
func (set *Set) Add(slot int, o Options, configured bool) {
	s := &Subscription{set: set, slot: slot, options: o, schedule: schedule.New(), dropped: make(chan struct{})}
	found := set.options.Found
	s.schedule.Booted(found.Last)
	loaded := found.Slots[slot]
	if loaded != nil {
		s.live, s.dead = loaded.Live, loaded.Dead
	}
	set.bySlot[slot] = s
	if !configured {
		return
	}
	if loaded != nil {
		s.schedule = loaded.Schedule
	}
	set.configured = append(set.configured, s)
	set.accepting.Store(set.accepting.Load() | s.bit())
}

// Configured are the subscriptions that messages are stored for, in the order of Add.
func (set *Set) Configured() []*Subscription { return set.configured }

// All are the subscriptions that messages are kept for, configured ones and removed ones, in the order
// of their slots. The caller holds Mu.
func (set *Set) All() (all []*Subscription) {
	for _, s := range set.bySlot {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// At is the subscription of a slot; nil where messages are kept for none. The caller holds Mu.
func (set *Set) At(slot int) *Subscription { return set.bySlot[slot] }

// Forget takes out the subscription of a slot, of which nothing is left. The caller holds Mu.
func (set *Set) Forget(slot int) { set.bySlot[slot] = nil }

// alive has the bits of those that messages are kept for. The caller holds Mu.
func (set *Set) alive() (slots uint64) {
	for _, s := range set.bySlot {
		if s != nil && !s.gone {
			slots |= s.bit()
		}
	}
	return slots
}

// Slots turns the bits of configured subscriptions, by their number, into those of their slots;
// 0 stands for all of them.
func (set *Set) Slots(to uint64) (slots uint64) {
	for i, s := range set.configured {
		if to == 0 || to&(1<<i) != 0 {
			slots |= s.bit()
		}
	}
	return slots
}

// Accepting has the bits of those that messages are stored for at this moment.
func (set *Set) Accepting() uint64 { return set.accepting.Load() }

// each calls f with each subscription in slots. The caller holds Mu.
func (set *Set) each(slots uint64, f func(s *Subscription)) {
	for ; slots != 0; slots &= slots - 1 {
		if s := set.bySlot[bits.TrailingZeros64(slots)]; s != nil {
			f(s)
		}
	}
}

// StopWaiting makes Receive, also one under way, return at once what there is, from now on.
func (set *Set) StopWaiting() {
	set.noWait.Store(true)
	set.Mu.Lock()
	defer set.Mu.Unlock()
	set.wakeAll()
}

// wakeAll wakes whoever waits for a message. The caller holds Mu.
func (set *Set) wakeAll() {
	for _, s := range set.configured {
		s.wakeUp()
	}
}
