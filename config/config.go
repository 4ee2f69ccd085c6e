// Package config is the only place that knows the environment: which variables
// there are, what they mean, and which values are allowed.
package config

import "time"

// The receivers and transmitters a configuration may name.
const (
	SQS     = "sqs"
	PubSub  = "pubsub"
	NATS    = "nats"
	Ingest  = "ingest"
	Webhook = "webhook"
)

// The values of Config.RejectAction.
const (
	Retry      = "retry"
	DeadLetter = "dead-letter"
	Drop       = "drop"
)

// The values of IngestOptions.DeadLetterFull.
const (
	Keep       = "keep"
	DropOldest = "drop-oldest"
)

// Off is the value of TuneOptions.Processors that leaves GOMAXPROCS alone.
const Off = "off"

// A Config is carrier's whole configuration. Each leaf field is one variable: its tags
// hold the name (envconfig), the value it has when it is not set (default, or in words
// where that depends on other things: shown), the bounds of a number (min, max, and in
// zero what 0 stands for), the words that are allowed (oneof) or a description of them
// (allowed), and the meaning (desc). Load returns it checked, every default filled in.
type Config struct {
	Receiver       string        `envconfig:"CARRIER_RECEIVER" shown:"inferred" allowed:"sqs, pubsub, nats or ingest, where this binary has it built in" desc:"Where messages come from. When it is not set, any CARRIER_SQS_* variable means sqs, any CARRIER_PUBSUB_* variable means pubsub, any CARRIER_NATS_* variable nats, and none means ingest; two of them is a fault."`
	Transmitter    string        `envconfig:"CARRIER_TRANSMITTER" default:"webhook" oneof:"webhook" desc:"How messages reach the worker. webhook makes one HTTP POST of each."`
	Concurrency    int           `envconfig:"CARRIER_CONCURRENCY" shown:"receivers x workers" min:"1" max:"10000" desc:"Most messages the worker holds at once. Default: CARRIER_SQS_RECEIVERS (counted as 1 when not set) times CARRIER_SQS_RECEIVER_WORKERS."`
	Prefetch       Prefetch      `envconfig:"CARRIER_PREFETCH" default:"auto" allowed:"auto, or a whole number from 0 to 10000" desc:"Messages received ahead of free slots. auto: as many as the worker finishes while the next are fetched; none when it finishes not even one during a receive call."`
	DrainTimeout   time.Duration `envconfig:"CARRIER_DRAIN_TIMEOUT" default:"20s" min:"0s" max:"12h" desc:"How long messages the worker already holds may take after SIGTERM. What is unanswered then is left to its lease. Keep it a few seconds below the platform's own grace period."`
	RejectAction   string        `envconfig:"CARRIER_REJECT_ACTION" shown:"retry for sqs, pubsub and nats, dead-letter for ingest" oneof:"retry dead-letter drop" desc:"What a permanent failure becomes. retry leaves the message to the queue's redrive policy, the subscription's dead-letter policy, or the consumer's max_deliver; dead-letter moves it to the dead letters; drop removes it."`
	MessageTimeout time.Duration `envconfig:"CARRIER_MESSAGE_TIMEOUT" shown:"72h for ingest, else off" min:"1s" zero:"off" desc:"A message that has been in the queue for longer than this is rejected without being posted."`
	Log            Log
	Stats          Stats
	Admin          Admin
	SQS            SQSOptions
	PubSub         PubSubOptions
	NATS           NATSOptions
	Ingest         IngestOptions
	Webhook        WebhookOptions
	Retry          RetryOptions
	Tune           TuneOptions
}

// Log says how the log is written.
type Log struct {
	Level     string `envconfig:"CARRIER_LOG_LEVEL" default:"info" oneof:"debug info warn error" desc:"Least severe log lines that are written. debug has a line for each delivered message."`
	Colorized bool   `envconfig:"CARRIER_ENABLE_COLORIZED_LOGGING" default:"false" desc:"Coloured text for people in place of JSON."`
}

// Stats says whether a statistics line is logged.
type Stats struct {
	Enabled bool          `envconfig:"CARRIER_ENABLE_STAT_LOG" default:"false" desc:"Log a statistics line at intervals: messages received and settled, messages in flight, goroutines, memory."`
	Every   time.Duration `envconfig:"CARRIER_STAT_LOG_TIMER" default:"120s" min:"1s" desc:"Time between two statistics lines."`
}

// Admin is the port for probes, metrics and draining.
type Admin struct {
	Address string `envconfig:"CARRIER_ADMIN_ADDRESS" default:":9010" empty:"off" allowed:"host:port or :port, or empty for no admin port" desc:"Where /livez, /readyz, /metrics and /drain are served. Set to the empty string it turns them off."`
	Token   Secret `envconfig:"CARRIER_ADMIN_TOKEN" allowed:"visible ASCII without spaces" desc:"When set, /drain wants it as a bearer token; when not, the header X-Carrier-Drain: yes. The other paths stay open."`
}

// SQSOptions says which SQS queue is read, and how.
type SQSOptions struct {
	QueueName          string        `envconfig:"CARRIER_SQS_QUEUE_NAME" allowed:"1 to 80 letters, digits, - and _; a FIFO queue's ends in .fifo within these 80" desc:"The queue's name. This or CARRIER_SQS_QUEUE_URL, not both."`
	QueueURL           string        `envconfig:"CARRIER_SQS_QUEUE_URL" url:"http https" desc:"The queue's URL. This or CARRIER_SQS_QUEUE_NAME, not both."`
	QueueOwner         string        `envconfig:"CARRIER_SQS_QUEUE_OWNER" allowed:"an account id of 12 digits" desc:"The AWS account that owns the queue, for a CARRIER_SQS_QUEUE_NAME in another account."`
	Endpoint           string        `envconfig:"CARRIER_SQS_ENDPOINT" shown:"AWS's for the region" url:"http https" desc:"Another server that speaks SQS. Not set, with a queue URL: the URL's own host. The region is AWS_REGION, else the one in the endpoint's name, else us-east-1 for an endpoint that is not AWS's."`
	BatchSize          int           `envconfig:"CARRIER_SQS_BATCH_SIZE" default:"10" min:"1" max:"10" desc:"Most messages asked for in one receive. Never more than the free slots plus the prefetch are asked for."`
	Receivers          int           `envconfig:"CARRIER_SQS_RECEIVERS" shown:"as the load needs" min:"1" max:"1000" desc:"Most receive calls open at once. Not set: one, growing with the load to one for each ten of the concurrency."`
	ReceiverWorkers    int           `envconfig:"CARRIER_SQS_RECEIVER_WORKERS" default:"1" min:"1" max:"10000" desc:"Messages in flight for each receiver; times CARRIER_SQS_RECEIVERS it is the default of CARRIER_CONCURRENCY."`
	VisibilityTimeout  time.Duration `envconfig:"CARRIER_SQS_VISIBILITY_TIMEOUT" shown:"the queue's own" min:"1s" max:"12h" zero:"the queue's own" desc:"The lease asked for at each receive and each extension, rounded up to whole seconds. Leases are extended for as long as the worker needs, up to SQS's 12 hours."`
	WaitTime           time.Duration `envconfig:"CARRIER_SQS_WAIT_TIME" default:"20s" min:"0s" max:"20s" desc:"How long one receive waits for a message, rounded up to whole seconds. 0s leaves it to the queue."`
	DeadLetterQueueURL string        `envconfig:"CARRIER_DEAD_LETTER_QUEUE_URL" shown:"the redrive policy's queue" url:"http https" desc:"Where the dead-letter action sends messages on SQS. With that action and neither this nor a redrive policy, carrier does not start."`
}

// PubSubOptions says which Pub/Sub subscription is read, and how.
type PubSubOptions struct {
	Subscription    string        `envconfig:"CARRIER_PUBSUB_SUBSCRIPTION" allowed:"a subscription's name, or projects/P/subscriptions/S" desc:"The Pub/Sub subscription to pull from."`
	Project         string        `envconfig:"CARRIER_PUBSUB_PROJECT" shown:"GOOGLE_CLOUD_PROJECT, else the credentials' own" allowed:"a project id" desc:"The project of a CARRIER_PUBSUB_SUBSCRIPTION that is a name alone."`
	Endpoint        string        `envconfig:"CARRIER_PUBSUB_ENDPOINT" shown:"PUBSUB_EMULATOR_HOST, else Google's" allowed:"host:port, or a URL with http:// or https:// and no path" desc:"Another server that speaks Pub/Sub over gRPC. One of googleapis.com is called over TLS with the Application Default Credentials; any other without credentials, in plain text unless it begins with https://."`
	AckDeadline     time.Duration `envconfig:"CARRIER_PUBSUB_ACK_DEADLINE" shown:"the subscription's own" min:"10s" max:"600s" zero:"the subscription's own" desc:"The lease messages are kept under, rounded up to whole seconds. It is extended for as long as the worker needs."`
	DeadLetterTopic string        `envconfig:"CARRIER_DEAD_LETTER_TOPIC" allowed:"a topic's name, or projects/P/topics/T" desc:"Where the dead-letter action sends messages on Pub/Sub; a name alone is in the subscription's project. With CARRIER_REJECT_ACTION=dead-letter it must be set."`
}

// IngestOptions says how messages are taken over HTTP and kept.
type IngestOptions struct {
	Address        string        `envconfig:"CARRIER_INGEST_ADDRESS" default:"127.0.0.1:8080" allowed:"host:port or :port" desc:"Where producers post messages."`
	DataDir        string        `envconfig:"CARRIER_INGEST_DATA_DIR" default:"carrier-data" desc:"The directory that holds the queue file; created when it is not there. Messages live as long as this directory does."`
	MaxBody        Size          `envconfig:"CARRIER_INGEST_MAX_BODY" default:"1MiB" min:"1" max:"1GiB" desc:"Largest body stored; a larger one gets 413."`
	MaxMessages    int           `envconfig:"CARRIER_INGEST_MAX_MESSAGES" default:"1000000" min:"1" desc:"Most messages kept; past it producers get 503 with Retry-After."`
	MaxBytes       Size          `envconfig:"CARRIER_INGEST_MAX_BYTES" default:"1GiB" min:"1" desc:"Most bytes of messages kept; past it producers get 503 with Retry-After. At least CARRIER_INGEST_MAX_BODY."`
	Token          Secret        `envconfig:"CARRIER_INGEST_TOKEN" allowed:"visible ASCII without spaces" desc:"When set, producers must send it as a bearer token."`
	AllowAnonymous bool          `envconfig:"CARRIER_INGEST_ALLOW_ANONYMOUS" default:"false" desc:"Lets CARRIER_INGEST_ADDRESS be other than loopback without CARRIER_INGEST_TOKEN."`
	MaxConnections int           `envconfig:"CARRIER_INGEST_MAX_CONNECTIONS" default:"1024" min:"1" max:"65536" desc:"Most connections of producers. At the limit the one that has been idle longest is closed for a new one."`
	TLSCertFile    string        `envconfig:"CARRIER_INGEST_TLS_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to producers; with CARRIER_INGEST_TLS_KEY_FILE it makes CARRIER_INGEST_ADDRESS serve HTTPS. Reread when it changes."`
	TLSKeyFile     string        `envconfig:"CARRIER_INGEST_TLS_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_INGEST_TLS_CERT_FILE. Reread when it changes."`
	MaxDeadLetters int           `envconfig:"CARRIER_INGEST_MAX_DEAD_LETTERS" default:"100000" min:"1" desc:"Most dead letters kept in the queue file; they do not count toward CARRIER_INGEST_MAX_MESSAGES."`
	MaxDeadBytes   Size          `envconfig:"CARRIER_INGEST_MAX_DEAD_BYTES" default:"256MiB" min:"1" desc:"Most bytes of dead letters kept in the queue file; they do not count toward CARRIER_INGEST_MAX_BYTES. At least CARRIER_INGEST_MAX_BODY, which the default gives way to."`
	DeadLetterFull string        `envconfig:"CARRIER_INGEST_DEAD_LETTER_FULL" default:"keep" oneof:"keep drop-oldest" desc:"What happens when there is no space for another dead letter. keep leaves the rejected message in the queue, where it is tried again at the longest backoff; drop-oldest removes the oldest dead letters, counts them and logs it."`
	Lease          time.Duration `envconfig:"CARRIER_INGEST_LEASE" default:"30s" min:"1s" max:"12h" desc:"How long a message is in flight, unless its lease is renewed, before it is delivered again."`
	Replay         bool          `envconfig:"CARRIER_INGEST_REPLAY" default:"false" desc:"Repeat the producer's method, path, query and headers against the webhook endpoint, in place of a plain POST."`
}

// WebhookOptions says how the worker is reached.
type WebhookOptions struct {
	Endpoint              string        `envconfig:"CARRIER_WEBHOOK_ENDPOINT" default:"http://localhost:9000" url:"http https unix" desc:"Where messages are posted. unix:///path.sock:/webhook posts to /webhook over a Unix socket. One endpoint; a comma in it is written %2C."`
	ContentType           string        `envconfig:"CARRIER_WEBHOOK_DEFAULT_CONTENT_TYPE" default:"application/json" allowed:"a media type" desc:"Content-Type of a message whose producer named none."`
	RequestTimeout        time.Duration `envconfig:"CARRIER_WEBHOOK_REQUEST_TIMEOUT" default:"60s" min:"1ms" max:"12h" desc:"Time for one attempt, from the dial to the end of the response head."`
	InsecureSkipVerify    bool          `envconfig:"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY" default:"false" desc:"Accept any certificate from the worker. Warned about at every start."`
	CAFile                string        `envconfig:"CARRIER_WEBHOOK_CA_FILE" allowed:"a readable file with PEM certificates" desc:"Certificate authorities to trust for the worker, in place of the system's. Reread when it changes."`
	ClientCertFile        string        `envconfig:"CARRIER_WEBHOOK_CLIENT_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to the worker; together with CARRIER_WEBHOOK_CLIENT_KEY_FILE. Reread when it changes."`
	ClientKeyFile         string        `envconfig:"CARRIER_WEBHOOK_CLIENT_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_WEBHOOK_CLIENT_CERT_FILE. Reread when it changes."`
	MaxHeaderBytes        Size          `envconfig:"CARRIER_WEBHOOK_MAX_HEADER_BYTES" default:"8KiB" min:"2KiB" max:"1MiB" desc:"Largest request head sent to the worker. Attributes that do not fit are left out, the longest first, and named in X-Carrier-Attributes-Omitted."`
	Headers               Secret        `envconfig:"CARRIER_WEBHOOK_HEADERS" allowed:"Name:value,Name:value; no comma in a value, and no header that carrier or HTTP sets itself" desc:"Headers added to every request to the worker."`
	HealthCheckEndpoint   string        `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT" shown:"off" url:"http https unix" desc:"Asked with GET; 2xx is healthy. No message is received before the first healthy answer, nor while the worker is offline."`
	HealthCheckInterval   time.Duration `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_INTERVAL" default:"60s" min:"1ms" desc:"Time between checks once healthy. The first check is made at once, and then every second until one is healthy."`
	HealthCheckTimeout    time.Duration `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_TIMEOUT" default:"10s" min:"1ms" desc:"Time for one check."`
	OfflineThresholdCount int           `envconfig:"CARRIER_WEBHOOK_OFFLINE_THRESHOLD_COUNT" default:"5" min:"1" desc:"Failed checks in a row before the worker counts as offline."`
}

// RetryOptions is the backoff of failed messages.
type RetryOptions struct {
	InitialInterval time.Duration `envconfig:"CARRIER_RETRY_INITIAL_INTERVAL" default:"1s" min:"1ms" desc:"Longest wait after a message's first failed delivery. CARRIER_RETRY_JITTER says which part of it is waited."`
	Multiplier      float64       `envconfig:"CARRIER_RETRY_MULTIPLIER" default:"2" min:"1" max:"1000" desc:"What the bound is multiplied by at each further delivery."`
	MaxInterval     time.Duration `envconfig:"CARRIER_RETRY_MAX_INTERVAL" default:"15m" min:"1ms" desc:"Largest bound; at least CARRIER_RETRY_INITIAL_INTERVAL."`
	Jitter          string        `envconfig:"CARRIER_RETRY_JITTER" default:"equal" oneof:"equal full none" desc:"Which part of the longest wait is waited, at random. equal: between half and all of it; full: between nothing and all of it; none: all of it."`
	MaxAttempts     int           `envconfig:"CARRIER_RETRY_MAX_ATTEMPTS" shown:"20 for ingest, else 0" min:"1" zero:"the queue's redrive policy decides" desc:"A message is rejected after this many failed attempts. Deferrals do not count where the source lets carrier tell them apart."`
}

// TuneOptions says how the Go runtime is fitted to a sidecar.
type TuneOptions struct {
	Processors string `envconfig:"CARRIER_TUNE_PROCESSORS" default:"auto" oneof:"auto off" desc:"auto: with the sqs and pubsub receivers, Go code runs on one processor for each hundred of the concurrency. off: on all that the container has. GOMAXPROCS in the environment wins over both."`
}
