// Package handoff hands messages to consumers that ask for them, and waits for their word. One table
// of tokens is behind every way to ask: over HTTP, over a stream, as a Lambda runtime, or by a late
// answer to a POST.
//
// A consumer's side is Ask, Asking.Messages, and Decide with the token of what came; Unread and
// Abandon are for a connection that broke. The dispatcher's side is Ready, Transmit and Settled.
package handoff

import (
	"context"
	"errors"
	"sync"
	"time"

	"carrier/message"
)

// What a verdict is answered with beside nil.
var (
	// ErrUnknown means that no such token was given out, or that it is forgotten.
	ErrUnknown = errors.New("unknown")
	// ErrLeaseEnded means that the consumer's time for the message was over, or that the source had
	// given the message to somebody else.
	ErrLeaseEnded = errors.New("lease-ended")
	// ErrOtherVerdict means that the token was settled with another verdict.
	ErrOtherVerdict = errors.New("settled-otherwise")
	// ErrUnconfirmed means that the source has not agreed in time: the same call may be made again.
	ErrUnconfirmed = errors.New("unconfirmed")
)

const (
	// rememberFor is how long a token is known after its end, and rememberMost how many are.
	rememberFor  = 10 * time.Minute
	rememberMost = 100_000
	// MaxLease is the longest time a consumer may have for a message.
	MaxLease = 12 * time.Hour
)

// Options is what a Table is made of.
type Options struct {
	// Lease is the time that a consumer has for a message unless it asks for another.
	Lease time.Duration
	// Asked is called when a consumer asks. It must not block, and is safe for concurrent use. Nil
	// means that nobody wants to know.
	Asked func()
}

// A Table is the transmitter of consumers that ask: Ready is how many messages they ask for, and
// Transmit gives a message to the one that has asked longest and waits for its word. It is safe for
// concurrent use.
type Table struct {
	o Options

	mu     sync.Mutex
	asks   []*ask        // those that want more, in the order of asking
	wanted int           // what they want together
	asked  chan struct{} // closed and replaced when wanted grows while somebody waits for it
	ready  int           // how many wait for that
	held   map[key]*held
	late   map[*message.Message]*held // answered later, and not waited for yet
	// deciding are those with a verdict that the source has not agreed to yet.
	deciding map[*message.Message]*held
	ended    ended
	tokens   tokens
	idle     []*alarm // for the next that wait
}

// New returns a table without consumers.
func New(o Options) *Table {
	if o.Asked == nil {
		o.Asked = func() {}
	}
	return &Table{o: o, asked: make(chan struct{}), held: map[key]*held{}, late: map[*message.Message]*held{}, deciding: map[*message.Message]*held{}, ended: newEnded()}
}

// Handed is one message that a consumer holds.
type Handed struct {
	// Token names this hand-over: 128 random bits in hexadecimal digits. It is a secret.
	Token string
	*message.Message
	// Deadline is when the consumer's time is over unless it extends it.
	Deadline time.Time
}

// Ready waits until consumers ask for more than promised messages, and says for how many.
func (t *Table) Ready(ctx context.Context, promised int) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.wanted <= promised {
		if err := t.waitForMore(ctx); err != nil {
			return 0, err
		}
	}
	return t.wanted, nil
}

// Counts is how many messages consumers ask for and have not been handed, and how many they hold
// without a verdict.
func (t *Table) Counts() (wanted, held int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wanted, len(t.held) - len(t.deciding)
}

// waitForMore waits until more is wanted than now, or until ctx ends. The lock is held, but for the
// wait.
func (t *Table) waitForMore(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	asked := t.asked
	t.ready++
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.ready--
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-asked:
		return nil
	}
}
