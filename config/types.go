package config

import (
	"carrier/config/faults"
	"carrier/config/queues"
	"carrier/config/routenames"
	"carrier/config/values"
)

// The kinds of values that a variable may have beside those of Go.
type (
	// Secret does not print itself.
	Secret = values.Secret
	// Size is a number of bytes.
	Size = values.Size
	// Prefetch is a number of messages, or Auto.
	Prefetch = values.Prefetch
	// List is what is written between commas.
	List = values.List
	// Durations are what is written between commas.
	Durations = values.Durations
	// Rate is a number of messages in a time.
	Rate = values.Rate
	// Statuses are HTTP statuses.
	Statuses = values.Statuses
	// Fault is one variable that cannot stay as it is.
	Fault = faults.Fault
	// Faults is everything that is wrong.
	Faults = faults.Faults
	// IngestOptions says how messages are taken over HTTP and kept.
	IngestOptions = queues.Ingest
	// IngestRouteOptions says which of the messages taken over HTTP a route gets, and how.
	IngestRouteOptions = queues.IngestRoute
	// SubscriptionOptions bounds what the queue file of ingest holds for one route.
	SubscriptionOptions = queues.Subscription
	// SQSOptions says which SQS queue is read, and how.
	SQSOptions = queues.SQS
	// PubSubOptions says which Pub/Sub subscription is read, and how.
	PubSubOptions = queues.PubSub
	// NATSOptions says which consumer of NATS JetStream is read, and how.
	NATSOptions = queues.NATS
	// ForwardOptions says which queue messages are forwarded to.
	ForwardOptions = queues.Forward
	// Target is the queue that messages are forwarded to.
	Target = queues.Target
	// RetryOptions is the backoff of failed messages.
	RetryOptions = queues.Retry
	// Header is one header of CARRIER_WEBHOOK_HEADERS.
	Header = values.Header
)

// HoldByQueue is queues.HoldByQueue.
const HoldByQueue = queues.HoldByQueue

// Auto is the Prefetch that lets carrier choose.
const Auto = values.Auto

// DefaultRoute is what the route without a name is called where one is asked for by name.
const DefaultRoute = routenames.Default

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return values.NewSecret(s) }

// ExtraHeaders are CARRIER_WEBHOOK_HEADERS taken apart, in their order; nil when there are none. They
// are as secret as the variable.
func (w WebhookOptions) ExtraHeaders() []Header {
	headers, _ := values.ParseHeaders(w.Headers.Reveal())
	return headers
}
