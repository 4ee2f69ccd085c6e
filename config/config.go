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
)

// The values of WebhookOptions.Format and Unwrap that other values are told from.
const (
	Raw = "raw"
	SNS = "sns"
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
	OTel         otel.Settings
	// Routes has one Route for each name in RouteNames, in that order, or one without a name.
	Routes []Route
}

// IngestOptions says how messages are taken over HTTP and kept.
type IngestOptions struct {
	Address        string        `envconfig:"CARRIER_INGEST_ADDRESS" default:"127.0.0.1:8080" allowed:"host:port or :port" desc:"Where producers post messages."`
	DataDir        string        `envconfig:"CARRIER_INGEST_DATA_DIR" default:"carrier-data" desc:"The directory that holds the queue file; created when it is not there. Messages live as long as this directory does."`
	MaxBody        Size          `envconfig:"CARRIER_INGEST_MAX_BODY" default:"1MiB" min:"1" max:"1GiB" desc:"Largest body stored; a larger one gets 413."`
	MaxMessages    int           `envconfig:"CARRIER_INGEST_MAX_MESSAGES" default:"1000000" min:"1" desc:"Most messages kept; past it producers get 503 with Retry-After."`
	MaxBytes       Size          `envconfig:"CARRIER_INGEST_MAX_BYTES" default:"1GiB" min:"1" desc:"Most bytes of messages kept; past it producers get 503 with Retry-After. At least CARRIER_INGEST_MAX_BODY."`
	Token          Secret        `envconfig:"CARRIER_INGEST_TOKEN" allowed:"visible ASCII without spaces" desc:"When set, producers must send it as a bearer token."`
	SigningSecrets Secret        `envconfig:"CARRIER_INGEST_SIGNING_SECRETS" allowed:"whsec_ secrets of 24 to 64 bytes and whpk_ keys of ed25519, in base64, comma-separated" desc:"When set, producers must sign their requests by Standard Webhooks 1.0.0 with one of these keys, or send CARRIER_INGEST_TOKEN where that is set too. A timestamp may be five minutes off. The file of CARRIER_INGEST_SIGNING_SECRETS_FILE is reread when it changes."`
	AllowAnonymous bool          `envconfig:"CARRIER_INGEST_ALLOW_ANONYMOUS" default:"false" desc:"Lets CARRIER_INGEST_ADDRESS be other than loopback without CARRIER_INGEST_TOKEN or CARRIER_INGEST_SIGNING_SECRETS."`
	MaxConnections int           `envconfig:"CARRIER_INGEST_MAX_CONNECTIONS" default:"1024" min:"1" max:"65536" desc:"Most connections of producers. At the limit the one that has been idle longest is closed for a new one."`
	TLSCertFile    string        `envconfig:"CARRIER_INGEST_TLS_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to producers; with CARRIER_INGEST_TLS_KEY_FILE it makes CARRIER_INGEST_ADDRESS serve HTTPS. Reread when it changes."`
	TLSKeyFile     string        `envconfig:"CARRIER_INGEST_TLS_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_INGEST_TLS_CERT_FILE. Reread when it changes."`
	MaxDeadLetters int           `envconfig:"CARRIER_INGEST_MAX_DEAD_LETTERS" default:"100000" min:"1" desc:"Most dead letters kept in the queue file; they do not count toward CARRIER_INGEST_MAX_MESSAGES."`
	MaxDeadBytes   Size          `envconfig:"CARRIER_INGEST_MAX_DEAD_BYTES" default:"256MiB" min:"1" desc:"Most bytes of dead letters kept in the queue file; they do not count toward CARRIER_INGEST_MAX_BYTES. At least CARRIER_INGEST_MAX_BODY, which the default gives way to."`
	DeadLetterFull string        `envconfig:"CARRIER_INGEST_DEAD_LETTER_FULL" default:"keep" oneof:"keep drop-oldest" desc:"What happens when there is no space for another dead letter. keep leaves the rejected message in the queue, where it is tried again at the longest backoff; drop-oldest removes the oldest dead letters, counts them and logs it."`
	RemovedKeep    time.Duration `envconfig:"CARRIER_INGEST_REMOVED_KEEP" default:"24h" min:"0s" desc:"How long the messages of a route that is no longer configured are kept in the queue file, for a rollback; then they are dropped, with an error line."`
}

// TuneOptions says how the Go runtime is fitted to a sidecar.
type TuneOptions struct {
	Processors string `envconfig:"CARRIER_TUNE_PROCESSORS" default:"auto" oneof:"auto off" desc:"auto: with the sqs and pubsub receivers, Go code runs on one processor for each hundred of the concurrency. off: on all that the container has. GOMAXPROCS in the environment wins over both."`
}
