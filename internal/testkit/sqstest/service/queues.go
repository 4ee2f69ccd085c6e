package service

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// What the service says about how soon a call may follow another.
const (
	recreateAfter = 60 * time.Second
	purgeAfter    = 60 * time.Second
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) urlOf(c *Call, name string) string {
	return c.Base + "/" + s.options.Account + "/" + name
}

func (s *Service) createQueue(_ context.Context, c *Call, in *shapes.CreateQueueIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.deleted[in.QueueName]; ok && s.now().Before(at.Add(recreateAfter)) {
		return nil, shapes.Sender("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	if _, err := s.create(in.QueueName, in.Attributes); err != nil {
		return nil, err
	}
	return shapes.QueueURLOut{QueueURL: s.urlOf(c, in.QueueName)}, nil
}

// create makes the queue, or finds that one just like it is there already.
func (s *Service) create(name string, attrs map[string]string) (*Queue, *shapes.Error) {
	base, fifo := strings.CutSuffix(name, ".fifo")
	if !queueName.MatchString(base) || len(name) > 80 {
		return nil, shapes.InvalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if fifo != (attrs["FifoQueue"] == "true") {
		return nil, shapes.InvalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	if err := checkAttributes(attrs, fifo); err != nil {
		return nil, err
	}
	if q, ok := s.queues[name]; ok {
		return q, q.sameAs(attrs)
	}
	q := s.newQueue(name, maps.Clone(attrs))
	if q.attrs == nil {
		q.attrs = map[string]string{}
	}
	s.queues[name] = q
	return q, nil
}

func (q *Queue) sameAs(attrs map[string]string) *shapes.Error {
	have := q.attributes(q.s.now())
	for name, value := range attrs {
		if have[name] != value {
			return &shapes.Error{
				Type: shapes.Modelled + "QueueNameExists", Code: "QueueAlreadyExists",
				Message: "A queue already exists with the same name and a different value for attribute " + name,
			}
		}
	}
	return nil
}

func (s *Service) getQueueURL(_ context.Context, c *Call, in *shapes.GetQueueURLIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.queues[in.QueueName]
	if !ok || in.Owner != "" && in.Owner != s.options.Account {
		return nil, shapes.QueueDoesNotExist()
	}
	return shapes.QueueURLOut{QueueURL: s.urlOf(c, in.QueueName)}, nil
}

func (s *Service) listQueues(_ context.Context, c *Call, in *shapes.ListQueuesIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := shapes.ListQueuesOut{}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			out.QueueURLs = append(out.QueueURLs, s.urlOf(c, name))
		}
	}
	return out, nil
}

func (s *Service) getQueueAttributes(_ context.Context, _ *Call, in *shapes.GetQueueAttributesIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	all := q.attributes(s.now())
	if slices.Contains(in.AttributeNames, "All") {
		return shapes.QueueAttributesOut{Attributes: all}, nil
	}
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			out[name] = value
		} else if !free(name) && !onlyFIFO(name) {
			return nil, shapes.Plain("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return shapes.QueueAttributesOut{Attributes: out}, nil
}

func (s *Service) setQueueAttributes(_ context.Context, _ *Call, in *shapes.SetQueueAttributesIn) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	if err := checkAttributes(in.Attributes, q.fifo()); err != nil {
		return nil, err
	}
	maps.Copy(q.attrs, in.Attributes)
	q.modified = s.now()
	return shapes.Empty{}, nil
}

func (s *Service) purgeQueue(_ context.Context, _ *Call, in *shapes.QueueRef) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	if !q.purged.IsZero() && s.now().Before(q.purged.Add(purgeAfter)) {
		return nil, shapes.Sender("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = s.now()
	q.clear()
	return shapes.Empty{}, nil
}

func (s *Service) deleteQueue(_ context.Context, _ *Call, in *shapes.QueueRef) (any, *shapes.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	s.drop(q)
	s.deleted[q.name] = s.now()
	return shapes.Empty{}, nil
}

// drop takes q away; polls on it end with QueueDoesNotExist.
func (s *Service) drop(q *Queue) {
	delete(s.queues, q.name)
	q.gone = true
	q.wake()
}
