package queues

import (
	"time"

	"carrier/config/values"
)

// Ingest says how messages are taken over HTTP and kept.
type Ingest struct {
	Address        string        `envconfig:"CARRIER_INGEST_ADDRESS" default:"127.0.0.1:8080" allowed:"host:port or :port" desc:"Where producers post messages."`
	Store          string        `envconfig:"CARRIER_INGEST_STORE" default:"file" oneof:"file queue queue+file" desc:"Where messages are kept before a producer gets its 200. file: in the queue file. queue: in the queue of CARRIER_FORWARD_TO, which has confirmed it; there is no file and no worker, and 503 while the queue is away. queue+file: in the queue, or else in the file, from where it goes on to the queue later."`
	StoreTimeout   time.Duration `envconfig:"CARRIER_INGEST_STORE_TIMEOUT" default:"5s" min:"1ms" max:"5m" desc:"How long the queue may take to confirm a producer's message."`
	DataDir        string        `envconfig:"CARRIER_INGEST_DATA_DIR" default:"carrier-data" desc:"The directory that holds the queue file; created when it is not there. Messages live as long as this directory does."`
	MaxBody        values.Size   `envconfig:"CARRIER_INGEST_MAX_BODY" default:"1MiB" min:"1" max:"1GiB" desc:"Largest body stored; a larger one gets 413."`
	MaxMessages    int           `envconfig:"CARRIER_INGEST_MAX_MESSAGES" default:"1000000" min:"1" desc:"Most messages kept; past it producers get 503 with Retry-After."`
	MaxBytes       values.Size   `envconfig:"CARRIER_INGEST_MAX_BYTES" default:"1GiB" min:"1" desc:"Most bytes of messages kept; past it producers get 503 with Retry-After. At least CARRIER_INGEST_MAX_BODY."`
	Token          Secret        `envconfig:"CARRIER_INGEST_TOKEN" allowed:"visible ASCII without spaces" desc:"When set, producers must send it as a bearer token."`
	SigningSecrets Secret        `envconfig:"CARRIER_INGEST_SIGNING_SECRETS" allowed:"whsec_ secrets of 24 to 64 bytes and whpk_ keys of ed25519, in base64, comma-separated" desc:"When set, producers must sign their requests by Standard Webhooks 1.0.0 with one of these keys, or send CARRIER_INGEST_TOKEN where that is set too. A timestamp may be five minutes off. The file of CARRIER_INGEST_SIGNING_SECRETS_FILE is reread when it changes."`
	AllowAnonymous bool          `envconfig:"CARRIER_INGEST_ALLOW_ANONYMOUS" default:"false" desc:"Lets CARRIER_INGEST_ADDRESS be other than loopback without CARRIER_INGEST_TOKEN or CARRIER_INGEST_SIGNING_SECRETS."`
	MaxConnections int           `envconfig:"CARRIER_INGEST_MAX_CONNECTIONS" default:"1024" min:"1" max:"65536" desc:"Most connections of producers. At the limit the one that has been idle longest is closed for a new one."`
	TLSCertFile    string        `envconfig:"CARRIER_INGEST_TLS_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to producers; with CARRIER_INGEST_TLS_KEY_FILE it makes CARRIER_INGEST_ADDRESS serve HTTPS. Reread when it changes."`
	TLSKeyFile     string        `envconfig:"CARRIER_INGEST_TLS_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_INGEST_TLS_CERT_FILE. Reread when it changes."`
	MaxDeadLetters int           `envconfig:"CARRIER_INGEST_MAX_DEAD_LETTERS" default:"100000" min:"1" desc:"Most dead letters kept in the queue file; they do not count toward CARRIER_INGEST_MAX_MESSAGES."`
	MaxDeadBytes   values.Size   `envconfig:"CARRIER_INGEST_MAX_DEAD_BYTES" default:"256MiB" min:"1" desc:"Most bytes of dead letters kept in the queue file; they do not count toward CARRIER_INGEST_MAX_BYTES. At least CARRIER_INGEST_MAX_BODY, which the default gives way to."`
	DeadLetterFull string        `envconfig:"CARRIER_INGEST_DEAD_LETTER_FULL" default:"keep" oneof:"keep drop-oldest" desc:"What happens when there is no space for another dead letter. keep leaves the rejected message in the queue, where it is tried again at the longest backoff; drop-oldest removes the oldest dead letters, counts them and logs it."`
	RemovedKeep    time.Duration `envconfig:"CARRIER_INGEST_REMOVED_KEEP" default:"24h" min:"0s" desc:"How long the messages of a route that is no longer configured are kept in the queue file, for a rollback; then they are dropped, with an error line."`
}

// IngestRoute says which of the messages taken over HTTP a route gets, and how.
type IngestRoute struct {
	Topics values.List   `envconfig:"CARRIER_INGEST_TOPIC" default:"/" allowed:"paths that begin with a slash, comma-separated, without * ? # .. or a host" desc:"The paths whose messages the route gets, comma-separated: /orders/ is that path and all below it, /orders that path alone. With CARRIER_ROUTES, a path that no route gets is 404. It has no effect without CARRIER_ROUTES: all paths are taken then."`
	Lease  time.Duration `envconfig:"CARRIER_INGEST_LEASE" default:"30s" min:"1s" max:"12h" desc:"How long a message is in flight, unless its lease is renewed, before it is delivered again."`
	Replay bool          `envconfig:"CARRIER_INGEST_REPLAY" default:"false" desc:"Repeat the producer's method, path, query and headers against the webhook endpoint, in place of a plain POST."`
}

// Subscription bounds what the queue file of ingest holds for one route.
type Subscription struct {
	MaxMessages   int           `envconfig:"CARRIER_SUBSCRIPTION_MAX_MESSAGES" shown:"CARRIER_INGEST_MAX_MESSAGES" min:"1" desc:"Most messages that wait for the route in the queue file of ingest."`
	MaxBytes      values.Size   `envconfig:"CARRIER_SUBSCRIPTION_MAX_BYTES" shown:"CARRIER_INGEST_MAX_BYTES" min:"1" desc:"Most bytes of messages that wait for the route. At least CARRIER_INGEST_MAX_BODY."`
	Full          string        `envconfig:"CARRIER_SUBSCRIPTION_FULL" default:"refuse" oneof:"refuse dead-letter-oldest drop-oldest" desc:"What happens when no more fits. refuse: producers get 503, for every route that the message is for; dead-letter-oldest and drop-oldest make space with the oldest message that is not in flight."`
	OfflineLimit  time.Duration `envconfig:"CARRIER_SUBSCRIPTION_OFFLINE_LIMIT" shown:"off" min:"1s" zero:"off" desc:"A route that has had no success for this long, while something was due, is offline: CARRIER_SUBSCRIPTION_OFFLINE_ACTION."`
	OfflineAction string        `envconfig:"CARRIER_SUBSCRIPTION_OFFLINE_ACTION" default:"dead-letter" oneof:"dead-letter drop" desc:"What becomes of the messages of a route that is offline. Nothing more is stored for it until its worker is found again."`
}

// Authenticates reports whether producers need a credential.
func (i Ingest) Authenticates() bool {
	return i.Token.Reveal() != "" || i.SigningSecrets.Reveal() != ""
}
