// Package config is the only place that knows the environment: which variables
// there are, what they mean, and which values are allowed.
package config

import (
	"time"

	"carrier/config/observe"
	"carrier/config/otel"
)

// The receivers and transmitters a configuration may name.
const (
	SQS     = "sqs"
	PubSub  = "pubsub"
	NATS    = "nats"
	Ingest  = "ingest"
	Webhook = "webhook"
	Forward = "forward"
)

// The values of WebhookOptions.Format and Unwrap that other values are told from.
const (
	Lambda = "lambda"
	Raw    = "raw"
	SNS    = "sns"
)

// The values of Route.RejectAction.
const (
	Retry      = "retry"
	DeadLetter = "dead-letter"
	Drop       = "drop"
)

// The values of IngestOptions.DeadLetterFull, and with Refuse and DeadLetterOldest in place of Keep
// those of SubscriptionOptions.Full.
const (
	Keep             = "keep"
	Refuse           = "refuse"
	DeadLetterOldest = "dead-letter-oldest"
	DropOldest       = "drop-oldest"
)

// Off is the value of TuneOptions.Processors that leaves GOMAXPROCS alone.
const Off = "off"

// A Config is carrier's whole configuration: what belongs to the process, and its routes. Each leaf
// field is one variable: its tags hold the name (envconfig), the value it has when it is not set
// (default, or in words where that depends on other things: shown), the bounds of a number (min,
// max, and in zero what 0 stands for), the words that are allowed (oneof) or a description of them
// (allowed), and the meaning (desc). Load returns it checked, every default filled in.
type Config struct {
	RouteNames   List          `envconfig:"CARRIER_ROUTES" shown:"one route without a name" allowed:"a list of at most 64 names, as orders,mail-eu: each of lower-case letters, digits and single hyphens, a letter first, at most 32 characters, and not default" desc:"The routes, in their order in logs. With it, CARRIER_ROUTE_MAIL_WEBHOOK_ENDPOINT is the CARRIER_WEBHOOK_ENDPOINT of the route mail, and so for every variable of a route; a hyphen in a name is _ in variables. A name whose variables would begin like another's (mail, mail-sqs) is a fault."`
	DrainTimeout time.Duration `envconfig:"CARRIER_DRAIN_TIMEOUT" default:"20s" min:"0s" max:"12h" desc:"How long messages the worker already holds may take after SIGTERM. What is unanswered then is left to its lease. Keep it a few seconds below the platform's own grace period."`
	MaxInFlight  int           `envconfig:"CARRIER_MAX_IN_FLIGHT" shown:"off" min:"1" zero:"off" desc:"Most messages the workers hold at once over all routes, shared out by CARRIER_ROUTE_<NAME>_WEIGHT."`
	ExitWhenIdle time.Duration `envconfig:"CARRIER_EXIT_WHEN_IDLE" shown:"off" min:"1s" zero:"off" desc:"For jobs: when for this long nothing was received by any route, nothing was in flight, and every source had answered that it is empty, carrier drains and ends with exit code 0. A source or a worker that is away is not idle."`
	Log          observe.Log
	Stats        observe.Stats
	Admin        observe.Admin
	Audit        observe.Audit
	Ingest       IngestOptions
	Tune         TuneOptions
	Worker       WorkerOptions
	OTel         otel.Settings
	// Routes has one Route for each name in RouteNames, in that order, or one without a name.
	Routes []Route
}

// TuneOptions says how the Go runtime is fitted to a sidecar.
type TuneOptions struct {
	Processors string `envconfig:"CARRIER_TUNE_PROCESSORS" default:"auto" oneof:"auto off" desc:"auto: where no route has the ingest receiver, Go code runs on as many processors as the work uses up, one at first and at most one for each hundred of the concurrency. off: on all that the container has. GOMAXPROCS in the environment wins over both."`
}
