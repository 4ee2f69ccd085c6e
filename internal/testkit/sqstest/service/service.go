// Package service is what SQS keeps and does: queues, messages, visibility, order, redrive and
// batches, and a journal of all that was asked for. It knows nothing of HTTP.
//
// The rules are those of the SQS API reference; what the service does beside its documentation is
// said where the code follows it.
package service

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"carrier/internal/testkit/sqstest/shapes"
)

// Options say what the service calls itself, and how it differs from Amazon's. The zero value is
// ready to use.
type Options struct {
	// Region is part of every ARN; us-east-1 when empty.
	Region string
	// Account owns every queue; 000000000000 when empty.
	Account string
	// SilentOnExpired makes a standard queue answer a visibility change with a
	// handle that has lapsed with success, and do nothing. The service has been
	// seen to do that, though it documents MessageNotInflight, which is what the
	// zero value answers.
	SilentOnExpired bool
	// OldAttributeNames makes the server know AttributeNames of a receive, and nothing of
	// MessageSystemAttributeNames, which came to the service in 2024.
	OldAttributeNames bool
}

// A Service is all queues of one account. Its exported methods are safe for concurrent use.
type Service struct {
	options    Options
	operations map[string]operation

	mu      sync.Mutex // guards everything below and every queue
	offset  time.Duration
	queues  map[string]*Queue
	deleted map[string]time.Time
	serial  int64
	moves   []*moveTask
}

// New returns a service that holds no queue.
func New(o Options) *Service {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	return &Service{options: o, operations: operations(), queues: map[string]*Queue{}, deleted: map[string]time.Time{}}
}

// A Call is one request. N counts the calls of Op, from 1.
type Call struct {
	Op string
	N  int
	// Base is the server's own URL, for the URLs of queues.
	Base string
	// Deaf makes a receive go on after its caller went away.
	Deaf bool
	// Entry decides about each entry of a batch, by its place from 0 and its id; it may be nil.
	Entry func(index int, id string) *EntryFault
}

// An EntryFault is a failure of one entry of a batch.
type EntryFault struct {
	Code, Message string
	SenderFault   bool
	// Done does the entry's work all the same, and then says that it failed.
	Done bool
}

// fault is the fault of one entry of a batch, if any.
func (c *Call) fault(index int, id string) *EntryFault {
	if c.Entry == nil {
		return nil
	}
	return c.Entry(index, id)
}

// Do carries out one call whose body has been read. It returns the answer, or an error that is the
// answer.
func (s *Service) Do(ctx context.Context, c *Call, body []byte) (any, *shapes.Error) {
	do, ok := s.operations[c.Op]
	if !ok {
		return nil, shapes.UnknownOperation(c.Op)
	}
	return do(s, ctx, c, body)
}

// An operation does the work of one call.
type operation func(s *Service, ctx context.Context, c *Call, body []byte) (any, *shapes.Error)

// operations is what the service can do, by name.
func operations() map[string]operation {
	return map[string]operation{
		"CreateQueue":                  handle((*Service).createQueue),
		"GetQueueUrl":                  handle((*Service).getQueueURL),
		"ListQueues":                   handle((*Service).listQueues),
		"GetQueueAttributes":           handle((*Service).getQueueAttributes),
		"SetQueueAttributes":           handle((*Service).setQueueAttributes),
		"PurgeQueue":                   handle((*Service).purgeQueue),
		"DeleteQueue":                  handle((*Service).deleteQueue),
		"SendMessage":                  handle((*Service).sendMessage),
		"SendMessageBatch":             handle((*Service).sendMessageBatch),
		"ReceiveMessage":               handle((*Service).receiveMessage),
		"DeleteMessage":                handle((*Service).deleteMessage),
		"DeleteMessageBatch":           handle((*Service).deleteMessageBatch),
		"ChangeMessageVisibility":      handle((*Service).changeVisibility),
		"ChangeMessageVisibilityBatch": handle((*Service).changeVisibilityBatch),
		"ListDeadLetterSourceQueues":   handle((*Service).listSources),
		"StartMessageMoveTask":         handle((*Service).startMove),
		"ListMessageMoveTasks":         handle((*Service).listMoves),
		"CancelMessageMoveTask":        handle((*Service).cancelMove),
	}
}

// handle decodes the request for do.
func handle[In any](do func(*Service, context.Context, *Call, *In) (any, *shapes.Error)) operation {
	return func(s *Service, ctx context.Context, c *Call, body []byte) (any, *shapes.Error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, &shapes.Error{Type: shapes.Common + "SerializationException", Code: "SerializationException", Message: err.Error()}
		}
		return do(s, ctx, c, in)
	}
}

// A finder is a request that names its queue.
type finder interface{ Queue() string }

// find returns the queue that in names. Only the path of the URL counts, so that a
// server is the same under every name it is reached by. The caller holds s.mu.
func (s *Service) find(in finder) (*Queue, *shapes.Error) {
	url := in.Queue()
	if url == "" {
		return nil, shapes.MissingParameter("QueueUrl")
	}
	parts := strings.Split(strings.TrimRight(url, "/"), "/")
	if len(parts) < 2 || parts[len(parts)-2] != s.options.Account {
		return nil, shapes.QueueDoesNotExist()
	}
	q, ok := s.queues[parts[len(parts)-1]]
	if !ok {
		return nil, shapes.QueueDoesNotExist()
	}
	s.work()
	return q, nil
}
