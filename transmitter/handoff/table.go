// Package handoff hands messages to consumers that ask for them, and waits for their word. One table
// of tokens is behind every way to ask: over HTTP, over a stream, as a Lambda runtime, or by a late
// answer to a POST.
package handoff

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"carrier/message"
)

// What Settle says beside nil.
var (
	// ErrUnknown means that no such token was given out, or that it is forgotten.
	ErrUnknown = errors.New("unknown token")
	// ErrLeaseEnded means that the consumer's time for the message was over, or that the source had
	// given the message to somebody else.
	ErrLeaseEnded = errors.New("lease-ended")
	// ErrOtherVerdict means that the token was settled with another verdict.
	ErrOtherVerdict = errors.New("settled otherwise")
	// ErrUnconfirmed means that the source has not agreed in time: the same call may be made again.
	ErrUnconfirmed = errors.New("not confirmed by the source yet")
)

const (
	// rememberFor is how long a token is known after its end, and rememberMost how many are.
	rememberFor  = 10 * time.Minute
	rememberMost = 100_000
	// MaxLease is the longest time a consumer may have for a message.
	MaxLease = 12 * time.Hour
)

// A Table is the transmitter of consumers that ask: Ready is how many messages they ask for, and
// Transmit gives a message to the one that has asked longest and waits for its word. It is safe for
// concurrent use.
type Table struct {
	lease time.Duration

	mu     sync.Mutex
	asks   []*ask        // those that want more, in the order of asking
	wanted int           // what they want together
	asked  chan struct{} // closed and replaced when wanted grows
	held   map[string]*held
	// deciding are those with a verdict that the source has not agreed to yet.
	deciding map[*message.Message]*held
	ended    ended
}

// New returns a table without consumers. Lease is the time that a consumer has for a message unless
// it asks for another.
func New(lease time.Duration) *Table {
	return &Table{lease: lease, asked: make(chan struct{}), held: map[string]*held{}, deciding: map[*message.Message]*held{}, ended: newEnded()}
}

// Handed is one message that a consumer holds.
type Handed struct {
	// Token names this hand-over: 128 random bits in hexadecimal digits.
	Token string
	*message.Message
	// Deadline is when the consumer's time is over unless it extends it.
	Deadline time.Time
}

// An ask is one consumer that waits for messages.
type ask struct {
	wants  int
	lease  time.Duration
	handed chan Handed // has room for all it wants
}

// Ready waits until consumers ask for more than promised messages, and says for how many.
func (t *Table) Ready(ctx context.Context, promised int) (int, error) {
	for {
		t.mu.Lock()
		wanted, asked := t.wanted, t.asked
		t.mu.Unlock()
		if wanted > promised {
			return wanted, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-asked:
		}
	}
}

// An Asking is a consumer's standing wish for messages. It belongs to one goroutine, but for
// Messages, and ends with Close.
type Asking struct {
	table *Table
	ask   *ask
}

// Ask asks for n messages, each for as long as lease; zero is the table's.
func (t *Table) Ask(n int, lease time.Duration) *Asking {
	if lease <= 0 {
		lease = t.lease
	}
	a := &ask{wants: n, lease: min(lease, MaxLease), handed: make(chan Handed, n)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asks = append(t.asks, a)
	t.wanted += n
	close(t.asked)
	t.asked = make(chan struct{})
	return &Asking{table: t, ask: a}
}

// Messages brings what is handed over.
func (a *Asking) Messages() <-chan Handed { return a.ask.handed }

// Close ends the asking, and returns what was handed over and not received from Messages yet.
func (a *Asking) Close() (rest []Handed) {
	t := a.table
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leave(a.ask)
	for len(a.ask.handed) > 0 {
		rest = append(rest, <-a.ask.handed)
	}
	return rest
}

// leave takes what a still wants out of the count. The lock is held.
func (t *Table) leave(a *ask) {
	t.wanted -= a.wants
	a.wants = 0
	kept := t.asks[:0]
	for _, other := range t.asks {
		if other != a {
			kept = append(kept, other)
		}
	}
	clear(t.asks[len(kept):])
	t.asks = kept
}

// newToken returns 128 random bits.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program where there is no randomness
	return hex.EncodeToString(b[:])
}
