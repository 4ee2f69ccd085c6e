// Package bodies reads the bodies of requests under one budget of memory for all of them.
package bodies

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// Free is how much of each body is not charged to the budget, so that small messages
	// get through while large ones wait.
	Free = 16 << 10
	// Least is the least that all bodies together may take beyond that. It is two bodies
	// where they are larger.
	Least = 16 << 20
	// Wait is how long a body waits for its part of the budget.
	Wait = 5 * time.Second
)

// ErrNoMemory means that a body got no part of the budget in time.
var ErrNoMemory = errors.New("too many large bodies at once")

// A Budget bounds the memory of all bodies that are being received or stored. It is safe for
// concurrent use.
type Budget struct {
	limit int64

	mu     sync.Mutex
	used   int64
	beyond *Body         // the one that may take more than is left, so that one is always finished
	freed  chan struct{} // closed when used has become less
}

// New returns a Budget of limit bytes, of which nothing is taken.
func New(limit int64) *Budget {
	return &Budget{limit: limit, freed: make(chan struct{})}
}

// A Body is one that is being received. It belongs to one goroutine.
type Body struct {
	budget *Budget
	taken  int64
}

// Body returns one that has taken nothing yet.
func (b *Budget) Body() *Body { return &Body{budget: b} }

// grow takes memory for b to have size bytes. It waits for it up to Wait.
func (b *Body) grow(ctx context.Context, size int64) error {
	more := size - Free - b.taken
	if more <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, Wait)
	defer cancel()
	for {
		freed, ok := b.budget.take(b, more)
		if ok {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ErrNoMemory
		}
	}
}

// take charges n bytes to b; where they are not left, it returns what tells of more.
func (b *Budget) take(to *Body, n int64) (freed <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.limit {
		if b.beyond != nil && b.beyond != to {
			return b.freed, false
		}
		b.beyond = to
	}
	b.used += n
	to.taken += n
	return nil, true
}

// Release gives back what b has taken.
func (b *Body) Release() {
	if b.taken == 0 {
		return
	}
	b.budget.mu.Lock()
	defer b.budget.mu.Unlock()
	b.budget.used -= b.taken
	b.taken = 0
	if b.budget.beyond == b {
		b.budget.beyond = nil
	}
	close(b.budget.freed)
	b.budget.freed = make(chan struct{})
}

// ReadAll reads src to its end, or a byte more than most. A declared length is believed as far as
// bytes have come: memory is taken in steps, each twice the one before.
func (b *Body) ReadAll(ctx context.Context, src io.Reader, declared, most int64) ([]byte, error) {
	if declared < 0 || declared > most {
		declared = most + 1
	}
	size := min(declared, Free)
	data := make([]byte, 0, size)
	for {
		if len(data) == cap(data) {
			size = min(max(2*size, 512), most+1)
			if int64(len(data)) < declared {
				size = min(size, declared)
			}
			if err := b.grow(ctx, size); err != nil {
				return nil, err
			}
			data = append(make([]byte, 0, size), data...)
		}
		n, err := src.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF) || int64(len(data)) > most:
			return data, nil
		case err != nil:
			return nil, err
		}
	}
}
