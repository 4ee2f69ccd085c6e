package service

import (
	"maps"
	"slices"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// Counts says where a queue's messages are.
type Counts struct{ Visible, InFlight, Delayed int }

// All is how many there are.
func (c Counts) All() int { return c.Visible + c.InFlight + c.Delayed }

// CreateQueue makes a queue as the operation does; a name that ends in .fifo needs no
// FifoQueue attribute here. A queue that is there already is returned where it has
// these attributes.
func (s *Service) CreateQueue(name string, attrs map[string]string) (*Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	if len(name) > 5 && name[len(name)-5:] == ".fifo" {
		all["FifoQueue"] = "true"
	}
	for k, v := range attrs {
		all[k] = v
	}
	q, err := s.create(name, all)
	if err != nil {
		return nil, err
	}
	return q, nil
}

// Queue returns the queue of that name, or nil.
func (s *Service) Queue(name string) *Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[name]
}

// Queues returns all queues, by name.
func (s *Service) Queues() []*Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Queue, 0, len(s.queues))
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		all = append(all, s.queues[name])
	}
	return all
}

// Remove takes the queue away immediately, as DeleteQueue does; the same name can be
// created again right after.
func (s *Service) Remove(q *Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(q)
}

// A Message is a message to be sent. Only Body is needed.
type Message struct {
	Body       string
	Attributes map[string]shapes.Attribute
	// Trace is the AWSTraceHeader.
	Trace string
	// Group and Dedup are the group and deduplication id.
	Group, Dedup string
	// Delay is in whole seconds; zero means the queue's own.
	Delay time.Duration
}

// Send puts a message into the queue, by the same rules as the operation, and
// returns its id.
func (q *Queue) Send(l Message) (string, error) {
	in := &shapes.Outgoing{MessageBody: l.Body, MessageAttributes: l.Attributes, MessageGroupID: l.Group, MessageDeduplicationID: l.Dedup}
	if l.Trace != "" {
		in.MessageSystemAttributes = map[string]shapes.Attribute{"AWSTraceHeader": shapes.Text(l.Trace)}
	}
	if l.Delay > 0 {
		seconds := int(l.Delay / time.Second)
		in.DelaySeconds = &seconds
	}
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	out, err := q.send(in)
	if err != nil {
		return "", err
	}
	return out.MessageID, nil
}

// Name is the queue's name.
func (q *Queue) Name() string { return q.name }

// ARN is the queue's Amazon Resource Name.
func (q *Queue) ARN() string { return q.arn() }

// URL is the queue's URL on a server that is reached at endpoint.
func (q *Queue) URL(endpoint string) string {
	return endpoint + "/" + q.s.options.Account + "/" + q.name
}

// Set changes attributes, as SetQueueAttributes does.
func (q *Queue) Set(attrs map[string]string) error {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	if err := checkAttributes(attrs, q.fifo()); err != nil {
		return err
	}
	for k, v := range attrs {
		q.attrs[k] = v
	}
	return nil
}

// Counts returns where the queue's messages are now.
func (q *Queue) Counts() Counts {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	return q.counts(q.s.now())
}

func (q *Queue) counts(now time.Time) Counts {
	var c Counts
	q.each(func(m *stored) bool {
		switch {
		case m.inFlight(now):
			c.InFlight++
		case m.delayed(now):
			c.Delayed++
		default:
			c.Visible++
		}
		return true
	})
	return c
}

// IDs returns the ids of all messages in the queue, in flight or not, in the order
// they were sent.
func (q *Queue) IDs() []string {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	ids := []string{}
	q.each(func(m *stored) bool {
		ids = append(ids, m.id)
		return true
	})
	return ids
}

// A Peek is what a message looks like from within the queue.
type Peek struct {
	ID, Body, Group string
	Attributes      map[string]shapes.Attribute
	// Receives counts the times this queue handed it out.
	Receives int
	// HiddenUntil is when it shows itself; in the past when it does already.
	HiddenUntil time.Time
}

// Peek returns every message in the queue, in the order they were sent, and
// changes nothing.
func (q *Queue) Peek() []Peek {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	var all []Peek
	q.each(func(m *stored) bool {
		all = append(all, Peek{ID: m.id, Body: m.body, Group: m.group, Attributes: m.attributes, Receives: m.here, HiddenUntil: m.hiddenUntil})
		return true
	})
	return all
}
