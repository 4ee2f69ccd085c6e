package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"carrier/receiver/ingest/request"
)

const (
	// freeBody is how much of each body is not charged to the budget, so that small messages
	// get through while large ones wait.
	freeBody = 16 << 10
	// leastBudget is the least that all bodies together may take beyond that. It is two bodies
	// where they are larger.
	leastBudget = 16 << 20
	// bodyWait is how long a body waits for its part of the budget.
	bodyWait = 5 * time.Second
)

// errNoMemory means that a body got no part of the budget in time.
var errNoMemory = errors.New("too many large bodies at once")

// A bodyBudget bounds the memory of all bodies that are being received or stored. It is safe for
// concurrent use.
type bodyBudget struct {
	limit int64

	mu     sync.Mutex
	used   int64
	beyond *body         // the one that may take more than is left, so that one is always finished
	freed  chan struct{} // closed when used has become less
}

func newBodyBudget(limit int64) *bodyBudget {
	return &bodyBudget{limit: limit, freed: make(chan struct{})}
}

// A body is one that is being received. It belongs to one goroutine.
type body struct {
	budget *bodyBudget
	taken  int64
}

func (b *bodyBudget) body() *body { return &body{budget: b} }

// grow takes memory for b to have size bytes. It waits for it up to bodyWait.
func (b *body) grow(ctx context.Context, size int64) error {
	more := size - freeBody - b.taken
	if more <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, bodyWait)
	defer cancel()
	for {
		freed, ok := b.budget.take(b, more)
		if ok {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return errNoMemory
		}
	}
}

// take charges n bytes to b; where they are not left, it returns what tells of more.
func (b *bodyBudget) take(to *body, n int64) (freed <-chan struct{}, ok bool) {
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

// release gives back what b has taken.
func (b *body) release() {
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

// readBody reads all of the body. One that is cut off, too slow or too large is a problem, and
// its connection is closed after the answer.
func (h *handler) readBody(ctx context.Context, b *body, r *http.Request) ([]byte, *request.Problem) {
	most := h.door.options.MaxBody
	data, err := b.readAll(ctx, r.Body, r.ContentLength, most)
	switch {
	case errors.Is(err, errNoMemory):
		return nil, request.TooManyBodies()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, request.TooSlow()
	case err != nil:
		return nil, request.CutOff()
	case int64(len(data)) > most:
		return nil, request.TooLarge(most)
	default:
		return data, nil
	}
}

// readAll reads src to its end, or a byte more than most. A declared length is believed as far as
// bytes have come: memory is taken in steps, each twice the one before.
func (b *body) readAll(ctx context.Context, src io.Reader, declared, most int64) ([]byte, error) {
	if declared < 0 || declared > most {
		declared = most + 1
	}
	size := min(declared, freeBody)
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
