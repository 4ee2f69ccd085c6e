package publisher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"carrier/internal/batch"
	"carrier/internal/sleep"
	"carrier/message"
)

// ErrAway is in the refusal of a message that was not sent, since the queue is away.
var ErrAway = errors.New("the queue is away")

// linger is how long a message waits for others that go in the same call.
const linger = 2 * time.Millisecond

// What is waited between two tries to open a queue.
const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Second
)

// TargetOptions is what a Target is made of. The zero values are the defaults named.
type TargetOptions struct {
	Publisher Publisher
	// Most is the most messages of one Publish, one; Calls is the most of these open at once, one.
	Most, Calls int
	// Timeout is the longest time for one Publish, and for one try to open the queue; 30 s.
	Timeout time.Duration
	// Failures is how many calls must fail in a row for the queue to count as away, five; Cooldown
	// is the time before each message that is sent as a probe then, a second.
	Failures int
	Cooldown time.Duration
	// Changed is told when the queue is away, with the cause, and when it takes messages, the first
	// word included. It must neither block nor call back; nil tells nobody.
	Changed func(up bool, cause error)
	// Called is told how long each Publish took. It is safe for concurrent use; nil tells nobody.
	Called func(took time.Duration)
}

// A Target is a queue that messages of many callers go to: what comes at the same time is gathered
// into calls, where a call takes more than one message, and nothing is sent while the queue is away
// but one message at a time as a probe. Its methods are safe for concurrent use, but for Close.
type Target struct {
	o       TargetOptions
	gate    *gate
	batches *batch.Batcher // nil where each message has a call of its own
	slots   chan struct{}  // one for each call that is open, then
	cut     func()         // ends the calls that many share
	closing sync.Once
	closed  chan struct{}

	opening sync.Mutex // held while it is opened
}

// NewTarget assembles a Target. It dials nothing, and ends with Close.
func NewTarget(o TargetOptions) *Target {
	o.Most, o.Calls, o.Failures = max(o.Most, 1), max(o.Calls, 1), orElse(o.Failures, 5)
	o.Timeout, o.Cooldown = orElse(o.Timeout, 30*time.Second), orElse(o.Cooldown, time.Second)
	if o.Changed == nil {
		o.Changed = func(bool, error) {}
	}
	if o.Called == nil {
		o.Called = func(time.Duration) {}
	}
	working, cut := context.WithCancel(context.Background())
	t := &Target{o: o, gate: newGate(o.Failures, o.Cooldown, o.Changed), cut: cut, closed: make(chan struct{})}
	if o.Most == 1 {
		t.slots = make(chan struct{}, o.Calls)
		return t
	}
	t.batches = batch.New(batch.Options{
		Most: o.Most, Calls: o.Calls, Linger: linger,
		Send: func(_ context.Context, entries []*batch.Entry) []error {
			t.send(working, entries)
			return make([]error, len(entries))
		},
	})
	return t
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Open opens the queue, unless it is open. Its errors are the publisher's.
func (t *Target) Open(ctx context.Context) error {
	t.opening.Lock()
	defer t.opening.Unlock()
	if t.gate.isOpened() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	err := t.o.Publisher.Open(ctx)
	t.gate.opened(err)
	return err
}

// Run opens the queue, and tries until it succeeds or ctx ends. What an Open has done beside it
// counts.
func (t *Target) Run(ctx context.Context) {
	for wait := firstRetry; t.Open(ctx) != nil; wait = min(2*wait, lastRetry) {
		if !sleep.For(ctx, wait, nil) {
			return
		}
	}
}

// Limits returns the queue's; ok is false before it was opened.
func (t *Target) Limits() (l Limits, ok bool) {
	if !t.gate.isOpened() {
		return Limits{}, false
	}
	return t.o.Publisher.Limits(), true
}

// Check returns why the queue can never hold m, as a Put would; nil before the queue was opened.
func (t *Target) Check(m *message.Message) error {
	if !t.gate.isOpened() {
		return nil
	}
	return t.o.Publisher.Check(m)
}

// IsUp reports whether messages are sent, and not only probes.
func (t *Target) IsUp() bool { return t.gate.isUp() }

// Ready waits until more than promised messages may be sent, and says how many in all: any number,
// or one as a probe. It returns ctx's error when ctx ends first; when it has ended already Ready does
// not wait.
func (t *Target) Ready(ctx context.Context, promised int) (int, error) {
	for {
		limit, wait, changed := t.gate.limit()
		if limit > promised {
			return limit, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		sleep.For(ctx, wait, changed)
	}
}

// Put stores m. The Result is that of Publisher.Publish. When ctx ends first m was refused if it
// was not sent, and else nobody knows; that its time was over counts as a failure of the queue.
// Where the queue is away the refusal is ErrAway.
func (t *Target) Put(ctx context.Context, m *message.Message) Result {
	probe, err := t.gate.begin()
	if err != nil {
		return Refuse(NotNow, err)
	}
	if t.slots != nil {
		return t.putAlone(ctx, m, probe)
	}
	w := &waiting{m: m}
	err = t.batches.SubmitValue(ctx, w)
	if err == nil {
		return w.result
	}
	if w.sent.CompareAndSwap(false, true) { // it will not be
		if probe {
			t.gate.release()
		}
		return notSent(err)
	}
	return notAnswered(err)
}

// notSent is the result of a message that was given up before it was sent.
func notSent(err error) Result { return Refuse(NotNow, fmt.Errorf("it was not sent: %w", err)) }

// notAnswered is that of one that may be stored.
func notAnswered(err error) Result {
	return Result{Err: fmt.Errorf("it was sent, and not answered in time: %w", err)}
}

// A waiting is a message that waits to be sent, or for the result. Who moves sent to true says what
// becomes of it.
type waiting struct {
	m      *message.Message
	sent   atomic.Bool
	result Result
}

// send publishes the messages of entries whose callers have not gone.
func (t *Target) send(ctx context.Context, entries []*batch.Entry) {
	var all []*waiting
	var messages []*message.Message
	for _, e := range entries {
		if w := e.Value.(*waiting); w.sent.CompareAndSwap(false, true) {
			all, messages = append(all, w), append(messages, w.m)
		}
	}
	if len(all) == 0 {
		return
	}
	results := t.publish(ctx, messages)
	for i, w := range all {
		w.result = results[i]
	}
	t.gate.end(verdict(results))
}

// publish makes one call.
func (t *Target) publish(ctx context.Context, messages []*message.Message) []Result {
	ctx, cancel := sleep.Within(ctx, t.o.Timeout)
	defer cancel()
	began := time.Now()
	results := Calls{Send: t.o.Publisher.Publish}.call(ctx, messages)
	t.o.Called(time.Since(began))
	return results
}

// verdict is what the results of one call say of the queue: nothing where it is not known, and that
// it takes messages where err is nil.
func verdict(results []Result) (known bool, err error) {
	for _, r := range results {
		if r.Err == nil {
			return true, nil
		}
		if !IsPermanent(r.Err) && err == nil {
			err = r.Err
		}
	}
	return err != nil, err
}

// Close closes the publisher once no call is open. It ends those that messages of several callers
// share; a call for one message ends with its caller's context, or after the timeout of the options.
// What is put later is refused.
func (t *Target) Close() error {
	t.cut()
	t.closing.Do(func() {
		close(t.closed)
		if t.batches != nil {
			t.batches.Close()
		}
		for range cap(t.slots) {
			t.slots <- struct{}{}
		}
	})
	return t.o.Publisher.Close()
}
