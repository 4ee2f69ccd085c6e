package sqs

import (
	"net/http"
	"time"

	"carrier/receiver"
	"carrier/receiver/sqs/api"
	"carrier/receiver/sqs/environment"
)

// What SQS allows.
const (
	maxBatch      = api.MaxBatch
	maxWait       = 20 * time.Second
	maxVisibility = 12 * time.Hour
)

// Options says which queue a Receiver takes messages from, and how. Values beyond what SQS allows
// are brought to the nearest that it does.
type Options struct {
	// QueueName or QueueURL names the queue; the URL wins.
	QueueName, QueueURL string
	// QueueOwner is the account that owns QueueName, when it is another one.
	QueueOwner string
	// Endpoint is the base URL of the service. Empty means what the AWS
	// configuration says (AWS_ENDPOINT_URL_SQS), else the host of QueueURL, else
	// AWS's own for the region.
	Endpoint string
	// Region overrules the one found in the environment or read off the endpoint.
	Region string
	// BatchSize is the most messages asked for in one receive, 1 to 10; 0 means 10.
	BatchSize int
	// VisibilityTimeout is the lease asked for at each receive and extension, in
	// whole seconds, rounded up; 0 means the queue's own.
	VisibilityTimeout time.Duration
	// WaitTime is how long one receive waits for a message, up to 20 s; 0 means
	// the queue's own waiting time. From ten seconds on a receive waits up to a
	// tenth less, by chance.
	WaitTime time.Duration
	// DeadLetterQueueURL is where dead letters go; empty means the queue named in
	// the redrive policy.
	DeadLetterQueueURL string
	// UserAgent is added to the SDK's own, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Shared is what receivers in this process have in common while they are open; nil for nothing.
	Shared *api.Shared
	// Observer is told of calls, failures and duplicates; may be nil.
	Observer receiver.Observer
	// Warn is told what an operator should know and the receiver can do without. It is called from
	// many goroutines; may be nil.
	Warn func(Warning)
	// Transport is a test's, in place of our own; nil otherwise.
	Transport *http.Transport
}

// A Warning is something an operator should know.
type Warning struct {
	Text      string
	MessageID string // of the message it is about; empty where it is about none
	Err       error  // may be nil
}

func (o Options) withDefaults() Options {
	if o.BatchSize <= 0 {
		o.BatchSize = maxBatch
	}
	o.BatchSize = min(o.BatchSize, maxBatch)
	o.WaitTime = min(max(o.WaitTime, 0), maxWait)
	o.VisibilityTimeout = min(max(o.VisibilityTimeout, 0), maxVisibility)
	if o.Observer == nil {
		o.Observer = receiver.NoObserver{}
	}
	if o.Warn == nil {
		o.Warn = func(Warning) {}
	}
	return o
}

// api returns what a client is made of.
func (o Options) api() api.Options {
	return api.Options{
		Options:   environment.Options{QueueURL: o.QueueURL, Endpoint: o.Endpoint, Region: o.Region},
		UserAgent: o.UserAgent, Shared: o.Shared, Observer: o.Observer, Transport: o.Transport,
	}
}
