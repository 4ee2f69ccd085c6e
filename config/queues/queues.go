// Package queues holds the variables that say which queue messages come from, and which they are
// forwarded to.
package queues

import (
	"time"

	"carrier/config/values"
)

// Secret does not print itself.
type Secret = values.Secret

// SQS says which SQS queue is read, and how.
type SQS struct {
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

// PubSub says which Pub/Sub subscription is read, and how.
type PubSub struct {
	Subscription    string        `envconfig:"CARRIER_PUBSUB_SUBSCRIPTION" allowed:"a subscription's name, or projects/P/subscriptions/S" desc:"The Pub/Sub subscription to pull from."`
	Project         string        `envconfig:"CARRIER_PUBSUB_PROJECT" shown:"GOOGLE_CLOUD_PROJECT, else the credentials' own" allowed:"a project id" desc:"The project of a CARRIER_PUBSUB_SUBSCRIPTION that is a name alone."`
	Endpoint        string        `envconfig:"CARRIER_PUBSUB_ENDPOINT" shown:"PUBSUB_EMULATOR_HOST, else Google's" allowed:"host:port, or a URL with http:// or https:// and no path" desc:"Another server that speaks Pub/Sub over gRPC. One of googleapis.com is called over TLS with the Application Default Credentials; any other without credentials, in plain text unless it begins with https://."`
	Topic           string        `envconfig:"CARRIER_PUBSUB_TOPIC" allowed:"a topic's name, or projects/P/topics/T" desc:"The Pub/Sub topic that messages are forwarded to. A name alone is in CARRIER_PUBSUB_PROJECT."`
	AckDeadline     time.Duration `envconfig:"CARRIER_PUBSUB_ACK_DEADLINE" shown:"the subscription's own" min:"10s" max:"600s" zero:"the subscription's own" desc:"The lease messages are kept under, rounded up to whole seconds. It is extended for as long as the worker needs."`
	DeadLetterTopic string        `envconfig:"CARRIER_DEAD_LETTER_TOPIC" allowed:"a topic's name, or projects/P/topics/T" desc:"Where the dead-letter action sends messages on Pub/Sub; a name alone is in the subscription's project. With CARRIER_REJECT_ACTION=dead-letter it must be set."`
}

// NATS says which consumer of NATS JetStream is read, and how.
type NATS struct {
	URL               string `envconfig:"CARRIER_NATS_URL" default:"nats://localhost:4222" allowed:"a URL with nats://, tls://, ws:// or wss://, or several with commas between them" desc:"The NATS servers to connect to."`
	Stream            string `envconfig:"CARRIER_NATS_STREAM" allowed:"a stream's name, without blanks, dots, slashes, * and >" desc:"The JetStream stream that the consumer is of. carrier creates neither; carrier check prints the commands that would."`
	Consumer          string `envconfig:"CARRIER_NATS_CONSUMER" allowed:"a consumer's name, without blanks, dots, slashes, * and >" desc:"The consumer to pull from: durable, and with explicit acknowledgements."`
	Subject           string `envconfig:"CARRIER_NATS_SUBJECT" allowed:"a subject without wildcards" desc:"The subject that messages are forwarded to. A stream has to take it."`
	CredentialsFile   string `envconfig:"CARRIER_NATS_CREDENTIALS_FILE" allowed:"a readable file" desc:"File with the user's JWT and seed. Reread at each connect."`
	Token             Secret `envconfig:"CARRIER_NATS_TOKEN" allowed:"visible ASCII without spaces" desc:"Token shown to the NATS server."`
	CAFile            string `envconfig:"CARRIER_NATS_CA_FILE" allowed:"a readable file with PEM certificates" desc:"Certificate authorities to trust for the NATS server, in place of the system's. Reread at each connect."`
	ClientCertFile    string `envconfig:"CARRIER_NATS_CLIENT_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to the NATS server; together with CARRIER_NATS_CLIENT_KEY_FILE. Reread at each connect."`
	ClientKeyFile     string `envconfig:"CARRIER_NATS_CLIENT_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_NATS_CLIENT_CERT_FILE. Reread at each connect."`
	Ordered           bool   `envconfig:"CARRIER_NATS_ORDERED" default:"false" desc:"Handle the messages of a group (the header Carrier-Group-Id) one at a time and in order, within this replica. Always so where the consumer is pinned to one client, which keeps the order over all replicas."`
	DeadLetterSubject string `envconfig:"CARRIER_DEAD_LETTER_SUBJECT" allowed:"a subject without wildcards" desc:"Where the dead-letter action publishes messages on NATS, and what would go back at the last delivery that the consumer allows. A stream has to take it. With CARRIER_REJECT_ACTION=dead-letter it must be set."`
}

// Concurrency is how many messages are in flight where nothing else says it.
func (q SQS) Concurrency() int { return max(q.Receivers, 1) * q.ReceiverWorkers }

// SourceNames are the process-wide variables that name a source of an engine. With routes, these
// alone decide for a route that has no variable of a receiver of its own.
func SourceNames(engine string) []string {
	switch engine {
	case OnSQS:
		return []string{"CARRIER_SQS_QUEUE_NAME", "CARRIER_SQS_QUEUE_URL"}
	case OnPubSub:
		return []string{"CARRIER_PUBSUB_SUBSCRIPTION"}
	case OnNATS:
		return []string{"CARRIER_NATS_CONSUMER"}
	}
	return nil
}
