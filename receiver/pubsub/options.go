package pubsub

import (
	"net/http"
	"time"

	"google.golang.org/grpc"

	"carrier/receiver"
)

// What Pub/Sub allows.
const (
	minLease = 10 * time.Second
	maxLease = 600 * time.Second
)

// Options is what a Receiver is made of. Values beyond what Pub/Sub allows are brought to the
// nearest that it does.
type Options struct {
	// Subscription is a name, or projects/P/subscriptions/S.
	Subscription string
	// Project is the one a Subscription without a project is in; empty means the credentials' own.
	Project string
	// Endpoint is where to call, as host:port or as a URL. One of Google's is called over TLS and
	// with the Application Default Credentials; any other without credentials, and in plain text
	// unless it begins with https. Empty means PUBSUB_EMULATOR_HOST, where that is set, else
	// Google's own.
	Endpoint string
	// AckDeadline is the lease, in whole seconds, rounded up, 10 s to 600 s; 0 means the
	// subscription's own.
	AckDeadline time.Duration
	// DeadLetterTopic is where dead letters are published, a name in the subscription's project or
	// projects/P/topics/T; empty means nowhere.
	DeadLetterTopic string
	// UserAgent is put before gRPC's own, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls, failures and duplicates; may be nil.
	Observer receiver.Observer
	// Warn is told what an operator should know and the receiver got by without; err may be nil. It
	// is safe for concurrent use; may be nil.
	Warn func(text string, err error)

	dial        []grpc.DialOption // a test's, beside our own
	tokenClient *http.Client      // a test's, to ask for tokens
	shortLease  bool              // a test's, that does not wait for ten seconds
}

func (o Options) withDefaults() Options {
	if o.AckDeadline > 0 && !o.shortLease {
		o.AckDeadline = max(o.AckDeadline, minLease)
	}
	o.AckDeadline = min(max(o.AckDeadline, 0), maxLease)
	if o.Observer == nil {
		o.Observer = receiver.NoObserver{}
	}
	if o.Warn == nil {
		o.Warn = func(string, error) {}
	}
	return o
}
