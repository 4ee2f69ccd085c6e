package sqstest

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What the service says about how soon a call may follow another.
const (
	recreateAfter = 60 * time.Second
	purgeAfter    = 60 * time.Second
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Server) urlOf(c *call, name string) string {
	return c.base + "/" + s.options.Account + "/" + name
}

func (s *Server) createQueue(_ context.Context, c *call, in *createQueueIn) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.deleted[in.QueueName]; ok && s.now().Before(at.Add(recreateAfter)) {
		return nil, sender("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	if _, err := s.create(in.QueueName, in.Attributes); err != nil {
		return nil, err
	}
	return queueURLOut{QueueURL: s.urlOf(c, in.QueueName)}, nil
}

// create makes the queue, or finds that one just like it is there already.
func (s *Server) create(name string, attrs map[string]string) (*Queue, *Error) {
	base, fifo := strings.CutSuffix(name, ".fifo")
	if !queueName.MatchString(base) || len(name) > 80 {
		return nil, invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if fifo != (attrs["FifoQueue"] == "true") {
		return nil, invalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
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

func (q *Queue) sameAs(attrs map[string]string) *Error {
	have := q.attributes(q.s.now())
	for name, value := range attrs {
		if have[name] != value {
			return &Error{
				Type: modelled + "QueueNameExists", Code: "QueueAlreadyExists",
				Message: "A queue already exists with the same name and a different value for attribute " + name,
			}
		}
	}
	return nil
}

func (s *Server) getQueueURL(_ context.Context, c *call, in *getQueueURLIn) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.queues[in.QueueName]
	if !ok || in.Owner != "" && in.Owner != s.options.Account {
		return nil, QueueDoesNotExist()
	}
	return queueURLOut{QueueURL: s.urlOf(c, in.QueueName)}, nil
}

func (s *Server) listQueues(_ context.Context, c *call, in *listQueuesIn) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := listQueuesOut{}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			out.QueueURLs = append(out.QueueURLs, s.urlOf(c, name))
		}
	}
	return out, nil
}

func (s *Server) getQueueAttributes(_ context.Context, _ *call, in *getQueueAttributesIn) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	all := q.attributes(s.now())
	if slices.Contains(in.AttributeNames, "All") {
		return queueAttributesOut{Attributes: all}, nil
	}
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			out[name] = value
		} else if !free(name) && !onlyFIFO(name) {
			return nil, plain("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return queueAttributesOut{Attributes: out}, nil
}

func (s *Server) setQueueAttributes(_ context.Context, _ *call, in *setQueueAttributesIn) (any, *Error) {
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
	return empty{}, nil
}

func (s *Server) purgeQueue(_ context.Context, _ *call, in *queueRef) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	if !q.purged.IsZero() && s.now().Before(q.purged.Add(purgeAfter)) {
		return nil, sender("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = s.now()
	q.clear()
	return empty{}, nil
}

func (s *Server) deleteQueue(_ context.Context, _ *call, in *queueRef) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	s.drop(q)
	s.deleted[q.name] = s.now()
	return empty{}, nil
}

// drop takes q away; polls on it end with QueueDoesNotExist.
func (s *Server) drop(q *Queue) {
	delete(s.queues, q.name)
	q.gone = true
	q.wake()
}
