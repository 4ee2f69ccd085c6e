package config

import (
	"cmp"
	"net"
	"net/url"
	"slices"
	"time"

	"carrier/internal/netaddr"
)

// A Route is a receiver, a policy and a transmitter. Its variables are read with the route's own
// prefix, then without it; those with the tag only:"route" are read with the prefix alone.
type Route struct {
	// Name is empty where CARRIER_ROUTES is not set.
	Name string

	Weight         int           `envconfig:"CARRIER_WEIGHT" only:"route" default:"1" min:"0" max:"1000" desc:"The route's share of CARRIER_MAX_IN_FLIGHT, beside the weights of the others. 0: it is served only when no other route wants a place."`
	Readiness      bool          `envconfig:"CARRIER_READINESS" only:"route" shown:"true for a worker on loopback or a Unix socket, else false" desc:"Whether /readyz is 503 while the route's worker is offline."`
	Receiver       string        `envconfig:"CARRIER_RECEIVER" shown:"inferred" allowed:"sqs, pubsub, nats or ingest, where this binary has it built in" desc:"Where messages come from. When it is not set, any CARRIER_SQS_* variable means sqs, any CARRIER_PUBSUB_* variable means pubsub, any CARRIER_NATS_* variable nats, and none means ingest; two of them is a fault."`
	Transmitter    string        `envconfig:"CARRIER_TRANSMITTER" default:"webhook" oneof:"webhook" desc:"How messages reach the worker. webhook makes one HTTP POST of each."`
	Concurrency    int           `envconfig:"CARRIER_CONCURRENCY" shown:"receivers x workers" min:"1" max:"10000" desc:"Most messages the worker holds at once. Default: CARRIER_SQS_RECEIVERS (counted as 1 when not set) times CARRIER_SQS_RECEIVER_WORKERS."`
	Prefetch       Prefetch      `envconfig:"CARRIER_PREFETCH" default:"auto" allowed:"auto, or a whole number from 0 to 10000" desc:"Messages received ahead of free slots. auto: as many as the worker finishes while the next are fetched; none when it finishes not even one during a receive call."`
	RejectAction   string        `envconfig:"CARRIER_REJECT_ACTION" shown:"retry for sqs, pubsub and nats, dead-letter for ingest" oneof:"retry dead-letter drop" desc:"What a permanent failure becomes. retry leaves the message to the queue's redrive policy, the subscription's dead-letter policy, or the consumer's max_deliver; dead-letter moves it to the dead letters; drop removes it."`
	MessageTimeout time.Duration `envconfig:"CARRIER_MESSAGE_TIMEOUT" shown:"72h for ingest, else off" min:"1s" zero:"off" desc:"A message that has been in the queue for longer than this is rejected without being posted."`
	SQS            SQSOptions
	PubSub         PubSubOptions
	NATS           NATSOptions
	Ingest         IngestRouteOptions
	Subscription   SubscriptionOptions
	Fallback       FallbackOptions
	Webhook        WebhookOptions
	Retry          RetryOptions
}

// IngestRouteOptions says which of the messages taken over HTTP a route gets, and how.
type IngestRouteOptions struct {
	Topics List          `envconfig:"CARRIER_INGEST_TOPIC" default:"/" allowed:"paths that begin with a slash, comma-separated, without * ? # or a host" desc:"The paths whose messages the route gets, comma-separated: /orders/ is that path and all below it, /orders that path alone. With CARRIER_ROUTES, a path that no route gets is 404. It has no effect without CARRIER_ROUTES: all paths are taken then."`
	Lease  time.Duration `envconfig:"CARRIER_INGEST_LEASE" default:"30s" min:"1s" max:"12h" desc:"How long a message is in flight, unless its lease is renewed, before it is delivered again."`
	Replay bool          `envconfig:"CARRIER_INGEST_REPLAY" default:"false" desc:"Repeat the producer's method, path, query and headers against the webhook endpoint, in place of a plain POST."`
}

// SubscriptionOptions bounds what the queue file of ingest holds for one route.
type SubscriptionOptions struct {
	MaxMessages   int           `envconfig:"CARRIER_SUBSCRIPTION_MAX_MESSAGES" shown:"CARRIER_INGEST_MAX_MESSAGES" min:"1" desc:"Most messages that wait for the route in the queue file of ingest."`
	MaxBytes      Size          `envconfig:"CARRIER_SUBSCRIPTION_MAX_BYTES" shown:"CARRIER_INGEST_MAX_BYTES" min:"1" desc:"Most bytes of messages that wait for the route. At least CARRIER_INGEST_MAX_BODY."`
	Full          string        `envconfig:"CARRIER_SUBSCRIPTION_FULL" default:"refuse" oneof:"refuse dead-letter-oldest drop-oldest" desc:"What happens when no more fits. refuse: producers get 503, for every route that the message is for; dead-letter-oldest and drop-oldest make space with the oldest message that is not in flight."`
	OfflineLimit  time.Duration `envconfig:"CARRIER_SUBSCRIPTION_OFFLINE_LIMIT" shown:"off" min:"1s" zero:"off" desc:"A route that has had no success for this long, while something was due, is offline: CARRIER_SUBSCRIPTION_OFFLINE_ACTION."`
	OfflineAction string        `envconfig:"CARRIER_SUBSCRIPTION_OFFLINE_ACTION" default:"dead-letter" oneof:"dead-letter drop" desc:"What becomes of the messages of a route that is offline. Nothing more is stored for it until its worker is found again."`
}

// SQSOptions says which SQS queue is read, and how.
type SQSOptions struct {
	QueueName          string        `envconfig:"CARRIER_SQS_QUEUE_NAME" allowed:"1 to 80 letters, digits, - and _; a FIFO queue's ends in .fifo within these 80" desc:"The queue's name. This or CARRIER_SQS_QUEUE_URL, not both."`
	QueueURL           string        `envconfig:"CARRIER_SQS_QUEUE_URL" url:"http https" desc:"The queue's URL. This or CARRIER_SQS_QUEUE_NAME, not both."`
	QueueOwner         string        `envconfig:"CARRIER_SQS_QUEUE_OWNER" allowed:"an account id of 12 digits" desc:"The AWS account that owns the queue, for a CARRIER_SQS_QUEUE_NAME in another account."`
	Endpoint           string        `envconfig:"CARRIER_SQS_ENDPOINT" shown:"AWS's for the region" url:"http https" desc:"Another server that speaks SQS. Not set, with a queue URL: the URL's own host. The region is AWS_REGION, else the one in the endpoint's name, else us-east-1 for an endpoint that is not AWS's."`
	BatchSize          int           `envconfig:"CARRIER_SQS_BATCH_SIZE" default:"10" min:"1" max:"10" desc:"Most messages asked for in one receive. Never more than the free slots plus the prefetch are asked for."`
	Receivers          int           `envconfig:"CARRIER_SQS_RECEIVERS" shown:"as the load needs" min:"1" max:"1000" desc:"Most receive calls open at once. Not set: one while idle, then as many as the pace of the worker is worth, at most 32."`
	ReceiverWorkers    int           `envconfig:"CARRIER_SQS_RECEIVER_WORKERS" default:"1" min:"1" max:"10000" desc:"Messages in flight for each receiver; times CARRIER_SQS_RECEIVERS it is the default of CARRIER_CONCURRENCY."`
	VisibilityTimeout  time.Duration `envconfig:"CARRIER_SQS_VISIBILITY_TIMEOUT" shown:"the queue's own" min:"1s" max:"12h" zero:"the queue's own" desc:"The lease asked for at each receive and each extension, rounded up to whole seconds. Leases are extended for as long as the worker needs, up to SQS's 12 hours."`
	WaitTime           time.Duration `envconfig:"CARRIER_SQS_WAIT_TIME" default:"20s" min:"0s" max:"20s" desc:"How long one receive waits for a message, rounded up to whole seconds; from 10s on up to a tenth less, by chance. 0s leaves it to the queue."`
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

// WebhookOptions says how the worker is reached.
type WebhookOptions struct {
	Endpoints             List          `envconfig:"CARRIER_WEBHOOK_ENDPOINT" default:"http://localhost:9000" url:"http https unix" desc:"Where messages are posted. unix:///path.sock:/webhook posts to /webhook over a Unix socket. Several, comma-separated, are a failover order: a message that one fails, defers or does not take goes on to the next at once, with X-Carrier-Failover. A comma within an endpoint is written %2C."`
	ContentType           string        `envconfig:"CARRIER_WEBHOOK_DEFAULT_CONTENT_TYPE" default:"application/json" allowed:"a media type" desc:"Content-Type of a message whose producer named none."`
	RequestTimeout        time.Duration `envconfig:"CARRIER_WEBHOOK_REQUEST_TIMEOUT" default:"60s" min:"1ms" max:"12h" desc:"Time for one attempt, from the dial to the end of the response head."`
	RequestTimeouts       Durations     `envconfig:"CARRIER_WEBHOOK_REQUEST_TIMEOUTS" shown:"CARRIER_WEBHOOK_REQUEST_TIMEOUT for each" allowed:"durations from 1ms to 12h, comma-separated, as many as CARRIER_WEBHOOK_ENDPOINT has endpoints" desc:"Time for one attempt at each endpoint of CARRIER_WEBHOOK_ENDPOINT, in their order."`
	InsecureSkipVerify    bool          `envconfig:"CARRIER_WEBHOOK_TLS_INSECURE_SKIP_VERIFY" default:"false" desc:"Accept any certificate from the worker. Warned about at every start."`
	CAFile                string        `envconfig:"CARRIER_WEBHOOK_CA_FILE" allowed:"a readable file with PEM certificates" desc:"Certificate authorities to trust for the worker, in place of the system's. Reread when it changes."`
	ClientCertFile        string        `envconfig:"CARRIER_WEBHOOK_CLIENT_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to the worker; together with CARRIER_WEBHOOK_CLIENT_KEY_FILE. Reread when it changes."`
	ClientKeyFile         string        `envconfig:"CARRIER_WEBHOOK_CLIENT_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_WEBHOOK_CLIENT_CERT_FILE. Reread when it changes."`
	MaxHeaderBytes        Size          `envconfig:"CARRIER_WEBHOOK_MAX_HEADER_BYTES" default:"8KiB" min:"2KiB" max:"1MiB" desc:"Largest request head sent to the worker. Attributes that do not fit are left out, the longest first, and named in X-Carrier-Attributes-Omitted."`
	Headers               Secret        `envconfig:"CARRIER_WEBHOOK_HEADERS" allowed:"Name:value,Name:value; no comma in a value, and no header that carrier or HTTP sets itself" desc:"Headers added to every request to the worker."`
	SigningSecrets        Secret        `envconfig:"CARRIER_WEBHOOK_SIGNING_SECRETS" allowed:"whsec_ secrets of 24 to 64 bytes and whsk_ keys of ed25519, in base64, comma-separated" desc:"Signs every request to the worker by Standard Webhooks 1.0.0, with each of these keys: webhook-id, webhook-timestamp and webhook-signature. The file of CARRIER_WEBHOOK_SIGNING_SECRETS_FILE is reread when it changes."`
	PermanentStatus       Statuses      `envconfig:"CARRIER_WEBHOOK_PERMANENT_STATUS" default:"400-499" allowed:"statuses and ranges of them from 400 to 599, comma-separated" desc:"Answers that trying again is of no use for; CARRIER_REJECT_ACTION says what becomes of the message. A range leaves out 408, 425 and 429; named alone they count. Any other status above 399 is a failed attempt. A final 101 and 3xx are always permanent."`
	Proxy                 Secret        `envconfig:"CARRIER_WEBHOOK_PROXY" allowed:"a URL with http://, https:// or socks5://, with a user and a password or without, and no path" desc:"Connections to the worker go through this proxy: a tunnel by CONNECT, also for http endpoints, or SOCKS 5. It looks up the names. Unix sockets are connected to directly."`
	AllowLinkLocal        bool          `envconfig:"CARRIER_WEBHOOK_ALLOW_LINK_LOCAL" default:"false" desc:"Lets messages be posted to link-local and metadata addresses: 169.254.0.0/16, fe80::/10, fd00:ec2::254 and 100.100.100.200. Without it a message for an endpoint that has such an address is a permanent failure."`
	Format                string        `envconfig:"CARRIER_WEBHOOK_FORMAT" default:"raw" oneof:"raw cloudevents sqsd pubsub-push lambda" desc:"What the worker is written for. raw: the body as it is. cloudevents: CloudEvents 1.0 in HTTP's binary mode. sqsd: the headers of an Elastic Beanstalk worker environment, and only 200 is success. pubsub-push: Pub/Sub's push envelope; 200, 201, 202 and 204 are success. lambda: the SQS event of a Lambda function, with one record and batchItemFailures in the answer. X-Carrier-* headers are sent with all of them."`
	Unwrap                string        `envconfig:"CARRIER_UNWRAP" default:"none" oneof:"none sns" desc:"sns: of an SNS notification the message and the attributes in it are sent. What is no notification is sent as it is."`
	RateLimit             Rate          `envconfig:"CARRIER_WEBHOOK_RATE_LIMIT" shown:"off" allowed:"a number of messages a second, minute or hour, as 100/s, 600/m or 1000/h" desc:"Most messages posted in a time. They are waited for before they are received. Receives bring no more than CARRIER_WEBHOOK_RATE_BURST messages then."`
	RateBurst             int           `envconfig:"CARRIER_WEBHOOK_RATE_BURST" default:"1" min:"1" max:"10000" desc:"Most messages posted at once after a pause, within the rate."`
	BreakerFailures       int           `envconfig:"CARRIER_WEBHOOK_BREAKER_FAILURES" shown:"the greater of 5 and the concurrency" min:"1" max:"1000000" zero:"no breaker" desc:"Failed attempts in a row (timeouts, broken connections, 5xx without Retry-After) after which nothing is received or posted but one message at a time, as a probe."`
	BreakerCooldown       time.Duration `envconfig:"CARRIER_WEBHOOK_BREAKER_COOLDOWN" default:"5s" min:"1ms" max:"12h" desc:"Time before each probe. Any answer that is no failure ends the waiting."`
	HealthCheckEndpoint   string        `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT" shown:"off" url:"http https unix" desc:"Asked with GET; 2xx is healthy. No message is received before the first healthy answer, nor while the worker is offline."`
	HealthCheckInterval   time.Duration `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_INTERVAL" default:"60s" min:"1ms" desc:"Time between checks once healthy. The first check is made at once, and then every second until one is healthy."`
	HealthCheckTimeout    time.Duration `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_TIMEOUT" default:"10s" min:"1ms" desc:"Time for one check."`
	OfflineThresholdCount int           `envconfig:"CARRIER_WEBHOOK_OFFLINE_THRESHOLD_COUNT" default:"5" min:"1" desc:"Failed checks in a row before the worker counts as offline."`
}

// HoldByQueue is the RetryOptions.DeferHold of a route that does not say: its queue decides.
const HoldByQueue time.Duration = -1

// RetryOptions is the backoff of failed messages.
type RetryOptions struct {
	InitialInterval time.Duration `envconfig:"CARRIER_RETRY_INITIAL_INTERVAL" default:"1s" min:"1ms" desc:"Longest wait after a message's first failed delivery. CARRIER_RETRY_JITTER says which part of it is waited."`
	Multiplier      float64       `envconfig:"CARRIER_RETRY_MULTIPLIER" default:"2" min:"1" max:"1000" desc:"What the bound is multiplied by at each further delivery."`
	MaxInterval     time.Duration `envconfig:"CARRIER_RETRY_MAX_INTERVAL" default:"15m" min:"1ms" desc:"Largest bound; at least CARRIER_RETRY_INITIAL_INTERVAL."`
	DeferHold       time.Duration `envconfig:"CARRIER_DEFER_HOLD" shown:"30s where the queue has a redrive policy or counts attempts toward one, else 0s" min:"0s" max:"12h" desc:"A deferral (an answer with Retry-After, or the backoff of a 429) up to this long is held under the message's lease, off the worker's slot, and posted again: it spends no receive of the redrive policy. At most ten such messages for each of CARRIER_CONCURRENCY. 0s turns it off."`
	Jitter          string        `envconfig:"CARRIER_RETRY_JITTER" default:"equal" oneof:"equal full none" desc:"Which part of the longest wait is waited, at random. equal: between half and all of it; full: between nothing and all of it; none: all of it."`
	MaxAttempts     int           `envconfig:"CARRIER_RETRY_MAX_ATTEMPTS" shown:"20 for ingest, else 0" min:"1" zero:"the queue's redrive policy decides" desc:"A message is rejected after this many failed attempts. Deferrals do not count where the source lets carrier tell them apart."`
}

// Receives reports whether a route has the receiver called name.
func (c *Config) Receives(name string) bool {
	return slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Receiver == name })
}

// MostInFlight is how many messages the workers of all routes hold at once, at most.
func (c *Config) MostInFlight() int {
	sum := 0
	for _, r := range c.Routes {
		if !r.IsFallback() {
			sum += r.Concurrency
		}
	}
	if c.MaxInFlight > 0 {
		return min(sum, c.MaxInFlight)
	}
	return sum
}

// PublicName is what the route is called where one is asked for by name.
func (r Route) PublicName() string { return cmp.Or(r.Name, DefaultRoute) }

// complete fills in the defaults that depend on other variables.
func (c *Config) complete() { c.Ingest.MaxDeadBytes = max(c.Ingest.MaxDeadBytes, c.Ingest.MaxBody) }

// complete fills in the defaults that depend on other variables of the route or of the process.
func (r *Route) complete(c *Config, set func(ref string) bool) {
	if r.Concurrency == 0 && r.Receiver == SQS {
		r.Concurrency = r.SQS.concurrency()
	}
	r.Concurrency = max(r.Concurrency, 1)
	r.completeBreaker(set)
	if len(r.Fallback.Names) > 0 && !set("CARRIER_CHANNEL_TIMEOUT") {
		r.Fallback.ChannelTimeout = channelTimeout
	}
	if !set("CARRIER_DEFER_HOLD") {
		r.Retry.DeferHold = HoldByQueue
	}
	if r.RejectAction == "" {
		r.RejectAction = Retry
		if r.Receiver == Ingest {
			r.RejectAction = DeadLetter
		}
	}
	if r.Receiver == Ingest {
		r.completeIngest(c, set)
	}
	if r.Name == "" || !set("CARRIER_READINESS") {
		r.Readiness = r.Name == "" || r.Webhook.beside()
	}
}

func (r *Route) completeBreaker(set func(ref string) bool) {
	if r.Webhook.BreakerFailures == 0 && !set("CARRIER_WEBHOOK_BREAKER_FAILURES") {
		r.Webhook.BreakerFailures = max(leastFailures, r.Concurrency)
	}
}

// completeIngest fills in what stands in ingest's way of keeping a message for ever: there is no
// redrive policy.
func (r *Route) completeIngest(c *Config, set func(ref string) bool) {
	if r.MessageTimeout == 0 && !set("CARRIER_MESSAGE_TIMEOUT") {
		r.MessageTimeout = ingestTimeout
	}
	if r.Retry.MaxAttempts == 0 && !set("CARRIER_RETRY_MAX_ATTEMPTS") {
		r.Retry.MaxAttempts = ingestAttempts
	}
	if r.Subscription.MaxMessages == 0 {
		r.Subscription.MaxMessages = c.Ingest.MaxMessages
	}
	if r.Subscription.MaxBytes == 0 {
		r.Subscription.MaxBytes = c.Ingest.MaxBytes
	}
}

// TimeoutOf is the time for one attempt at endpoint i.
func (w WebhookOptions) TimeoutOf(i int) time.Duration {
	if i < len(w.RequestTimeouts) {
		return w.RequestTimeouts[i]
	}
	return w.RequestTimeout
}

// beside reports whether the worker is on this host: at loopback or a Unix socket.
func (w WebhookOptions) beside() bool {
	for _, endpoint := range w.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "unix" && !netaddr.IsLoopback(net.JoinHostPort(u.Hostname(), "0")) {
			return false
		}
	}
	return true
}
