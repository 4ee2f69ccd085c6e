package publishertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"carrier/message"
	"carrier/publisher"
)

// Memory is a Publisher whose queue is in memory. It keeps groups in order and stores one message
// of a key.
type Memory struct {
	limits publisher.Limits
	calls  publisher.Calls

	mu     sync.Mutex
	stored []*message.Message
	keys   map[string]string // the ids of those with a key
	fault  func(m *message.Message) Failure
}

// A Failure is what becomes of one message in a Memory, other than being stored. The zero value
// stores it.
type Failure struct {
	// Refusal refuses the message with this error, for Why.
	Refusal error
	Why     publisher.Why
	// Lost stores the message and answers with this error.
	Lost error
}

var _ publisher.Publisher = (*Memory)(nil)

// NewMemory returns an empty queue with limits; those that are zero are 1 MiB and 10 attributes.
func NewMemory(limits publisher.Limits) *Memory {
	if limits.Bytes == 0 {
		limits.Bytes = 1 << 20
	}
	if limits.Attributes == 0 {
		limits.Attributes = 10
	}
	limits.Ordered, limits.Deduplicates = true, true
	p := &Memory{limits: limits, keys: map[string]string{}}
	p.calls = publisher.Calls{Most: 10, AtOnce: 2, Send: p.send}
	return p
}

// Fail makes every later Publish ask f about each message; nil asks nobody. f is called by one
// goroutine at a time.
func (p *Memory) Fail(f func(m *message.Message) Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

// Messages returns the messages that are stored, in their order.
func (p *Memory) Messages() []*message.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.stored)
}

// Open does nothing.
func (p *Memory) Open(context.Context) error { return nil }

// Close does nothing.
func (p *Memory) Close() error { return nil }

// Limits returns what NewMemory was given.
func (p *Memory) Limits() publisher.Limits { return p.limits }

// Check looks at the limits.
func (p *Memory) Check(m *message.Message) error { return publisher.Checks(p.check(m)) }

// Publish stores batch.
func (p *Memory) Publish(ctx context.Context, batch []*message.Message) []publisher.Result {
	return p.calls.Publish(ctx, batch)
}

func (p *Memory) send(_ context.Context, batch []*message.Message) []publisher.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	results := make([]publisher.Result, len(batch))
	for i, m := range batch {
		results[i] = p.put(m)
	}
	return results
}

// put stores one message. The lock is held.
func (p *Memory) put(m *message.Message) publisher.Result {
	if why, err := p.check(m); err != nil {
		return publisher.Refuse(why, err)
	}
	var f Failure
	if p.fault != nil {
		f = p.fault(m)
	}
	if f.Refusal != nil {
		return publisher.Refuse(f.Why, f.Refusal)
	}
	id, known := p.keys[m.Key]
	if m.Key == "" || !known {
		id = fmt.Sprint("p", len(p.stored)+1)
		known = false
		p.keys[m.Key] = id
		p.stored = append(p.stored, &message.Message{
			ID: id, Body: slices.Clone(m.Body), ContentType: m.ContentType, Attributes: slices.Clone(m.Attributes),
			BinaryAttributes: slices.Clone(m.BinaryAttributes), Trace: m.Trace, Group: m.Group, Key: m.Key, Due: m.Due, Sent: time.Now(),
		})
	}
	if f.Lost != nil {
		return publisher.Result{Err: f.Lost}
	}
	return publisher.Result{ID: id, Duplicate: known}
}

func (p *Memory) check(m *message.Message) (publisher.Why, error) {
	size, names := len(m.Body), map[string]bool{}
	for _, a := range slices.Concat(m.Attributes, m.BinaryAttributes) {
		if names[a.Name] || a.Name == "" {
			return publisher.Unsupported, fmt.Errorf("attribute %q is there twice, or has no name", a.Name)
		}
		names[a.Name] = true
		size += len(a.Name) + len(a.Value)
	}
	switch {
	case size > p.limits.Bytes:
		return publisher.TooLarge, fmt.Errorf("%d bytes, and %d is the most", size, p.limits.Bytes)
	case len(names) > p.limits.Attributes:
		return publisher.Unsupported, fmt.Errorf("%d attributes, and %d is the most", len(names), p.limits.Attributes)
	case len(m.BinaryAttributes) > 0 && !p.limits.Binary:
		return publisher.Unsupported, errors.New("binary attributes are not kept")
	case time.Until(m.Due) > p.limits.Delay:
		return publisher.Unsupported, fmt.Errorf("the longest delay is %s", p.limits.Delay)
	}
	return 0, nil
}
