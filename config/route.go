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
	Readiness      bool          `envconfig:"CARRIER_READINESS" only:"route" shown:"true for a worker on loopback, a Unix socket, pull or stream, else false" desc:"Whether /readyz is 503 while the route's worker is offline."`
	Receiver       string        `envconfig:"CARRIER_RECEIVER" shown:"inferred" allowed:"sqs, pubsub, nats or ingest, where this binary has it built in" desc:"Where messages come from. When it is not set, any CARRIER_SQS_* variable means sqs, any CARRIER_PUBSUB_* variable means pubsub, any CARRIER_NATS_* variable nats, and none means ingest; two of them is a fault. Variables of the queue of CARRIER_FORWARD_TO do not count."`
	Transmitter    string        `envconfig:"CARRIER_TRANSMITTER" default:"webhook" oneof:"webhook pull stream forward" desc:"Where messages go. webhook makes one HTTP POST of each to the worker. pull and stream hand them to consumers that ask at CARRIER_WORKER_ADDRESS, over HTTP or a WebSocket: both names open both. forward puts each into the queue of CARRIER_FORWARD_TO, and settles it when that has confirmed it."`
	Concurrency    int           `envconfig:"CARRIER_CONCURRENCY" shown:"receivers x workers; 100 with pull and stream, 64 with forward" min:"1" max:"10000" desc:"Most messages the worker holds at once. Default: CARRIER_SQS_RECEIVERS (counted as 1 when not set) times CARRIER_SQS_RECEIVER_WORKERS; with pull and stream 100, with forward 64."`
	Prefetch       Prefetch      `envconfig:"CARRIER_PREFETCH" default:"auto" allowed:"auto, or a whole number from 0 to 10000" desc:"Messages received ahead of free slots. auto: as many as the worker finishes while the next are fetched; none when it finishes not even one during a receive call."`
	RejectAction   string        `envconfig:"CARRIER_REJECT_ACTION" shown:"retry for sqs, pubsub and nats, dead-letter for ingest" oneof:"retry dead-letter drop" desc:"What a permanent failure becomes. retry leaves the message to the queue's redrive policy, the subscription's dead-letter policy, or the consumer's max_deliver; dead-letter moves it to the dead letters; drop removes it."`
	MessageTimeout time.Duration `envconfig:"CARRIER_MESSAGE_TIMEOUT" shown:"72h for ingest, else off" min:"1s" zero:"off" desc:"A message that has been in the queue for longer than this is rejected without being posted."`
	SQS            SQSOptions
	PubSub         PubSubOptions
	NATS           NATSOptions
	Forward        ForwardOptions
	Ingest         IngestRouteOptions
	Subscription   SubscriptionOptions
	Fallback       FallbackOptions
	Webhook        WebhookOptions
	Retry          RetryOptions
	Pull           PullOptions
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
	Format                string        `envconfig:"CARRIER_WEBHOOK_FORMAT" default:"raw" oneof:"raw cloudevents sqsd pubsub-push lambda" desc:"What the worker is written for. raw: the body as it is. cloudevents: CloudEvents 1.0 in HTTP's binary mode. sqsd: the headers of an Elastic Beanstalk worker environment, and only 200 is success. pubsub-push: Pub/Sub's push envelope; 200, 201, 202 and 204 are success. lambda: the SQS event of a Lambda function, with up to CARRIER_WEBHOOK_BATCH_SIZE records and batchItemFailures in the answer. X-Carrier-* headers are sent with all of them."`
	BatchSize             int           `envconfig:"CARRIER_WEBHOOK_BATCH_SIZE" default:"1" min:"1" max:"1000" desc:"Most messages in one request, which take one slot of CARRIER_CONCURRENCY together; of a group those that follow each other. With pull and stream: most records in one invocation of a Lambda function (docs/lambda.md). With the webhook it is more than 1 with CARRIER_WEBHOOK_FORMAT=lambda alone; what is set for all routes counts for those that have it."`
	Unwrap                string        `envconfig:"CARRIER_UNWRAP" default:"none" oneof:"none sns" desc:"sns: of an SNS notification the message and the attributes in it are sent. What is no notification is sent as it is."`
	RateLimit             Rate          `envconfig:"CARRIER_WEBHOOK_RATE_LIMIT" shown:"off" allowed:"a number of messages a second, minute or hour, as 100/s, 600/m or 1000/h" desc:"Most messages posted in a time. They are waited for before they are received. Receives bring no more than CARRIER_WEBHOOK_RATE_BURST messages then."`
	RateBurst             int           `envconfig:"CARRIER_WEBHOOK_RATE_BURST" default:"1" min:"1" max:"10000" desc:"Most messages posted at once after a pause, within the rate."`
	BreakerFailures       int           `envconfig:"CARRIER_WEBHOOK_BREAKER_FAILURES" shown:"the greater of 5 and the concurrency" min:"1" max:"1000000" zero:"no breaker" desc:"Failed attempts in a row (timeouts, broken connections, 5xx without Retry-After) after which nothing is received or posted but one message at a time, as a probe."`
	BreakerCooldown       time.Duration `envconfig:"CARRIER_WEBHOOK_BREAKER_COOLDOWN" default:"5s" min:"1ms" max:"12h" desc:"Time before the first probe; twice as long after one that failed. Any answer that is no failure ends the waiting."`
	HealthCheckEndpoint   string        `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT" shown:"off" url:"http https unix" desc:"Asked with GET; 2xx is healthy. No message is received before the first healthy answer, nor while the worker is offline."`
	HealthCheckInterval   time.Duration `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_INTERVAL" default:"60s" min:"1ms" desc:"Time between checks once healthy. The first check is made at once, and then every second until one is healthy."`
	HealthCheckTimeout    time.Duration `envconfig:"CARRIER_WEBHOOK_HEALTH_CHECK_TIMEOUT" default:"10s" min:"1ms" desc:"Time for one check."`
	OfflineThresholdCount int           `envconfig:"CARRIER_WEBHOOK_OFFLINE_THRESHOLD_COUNT" default:"5" min:"1" desc:"Failed checks in a row before the worker counts as offline."`
}

// Receives reports whether a route has the receiver called name.
func (c *Config) Receives(name string) bool {
	return slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Receiver == name })
}

// Uses reports whether a route receives from the engine called name, or may forward to it.
func (c *Config) Uses(name string) bool {
	return c.Receives(name) || slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Forward.To == name })
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
		r.Concurrency = r.SQS.Concurrency()
	}
	r.completeWorker(c, set)
	r.Concurrency = max(r.Concurrency, 1)
	r.completeBreaker(set)
	if len(r.Fallback.Names) > 0 && !set("CARRIER_CHANNEL_TIMEOUT") {
		r.Fallback.ChannelTimeout = channelTimeout
	}
	if !set("CARRIER_DEFER_HOLD") {
		r.Retry.DeferHold = HoldByQueue
	}
	if r.Receiver == Ingest {
		r.completeIngest(c, set)
	}
	r.RejectAction = cmp.Or(r.RejectAction, Retry)
	if r.Forwards() {
		r.completeForward(set)
	}
	r.completeReadiness(c, set)
}

func (r *Route) completeReadiness(c *Config, set func(ref string) bool) {
	if r.Name == "" || !set("CARRIER_READINESS") {
		r.Readiness = r.Name == "" || r.Asked() || r.Webhook.beside()
	}
	if r.Receiver == Ingest && c.Ingest.Store != StoreFile {
		r.Readiness = false // who is taken out of service answers nobody, and sends no probe
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
	r.RejectAction = cmp.Or(r.RejectAction, DeadLetter)
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
