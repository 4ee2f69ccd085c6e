package queues

import (
	"cmp"
	"regexp"

	"carrier/config/values"
)

// The engines of the queues.
const (
	OnSQS    = "sqs"
	OnPubSub = "pubsub"
	OnNATS   = "nats"
)

// What names look like, as regular expressions.
const (
	QueueName = `[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo`
	Account   = `[0-9]{12}`
	Project   = `[a-z0-9.:-]+`
	Topic     = `(projects/[^/\s]+/topics/)?[A-Za-z][A-Za-z0-9._~+%-]{2,254}`
	Subject   = `[^\s.*>]+(\.[^\s.*>]+)*`
)

// Forward says which queue messages are forwarded to. What is not set in it is the variable of the
// same name without FORWARD_.
type Forward struct {
	To     string `envconfig:"CARRIER_FORWARD_TO" oneof:"sqs pubsub nats" desc:"The kind of queue that messages are put into, with CARRIER_TRANSMITTER=forward or CARRIER_INGEST_STORE other than file. Which one is said by the CARRIER_FORWARD_* variables; of those that are not set, the one without FORWARD_ counts. The queue that messages are received from must be another one."`
	SQS    ForwardSQS
	PubSub ForwardPubSub
	NATS   ForwardNATS
}

// ForwardSQS is the SQS queue.
type ForwardSQS struct {
	QueueName  string `envconfig:"CARRIER_FORWARD_SQS_QUEUE_NAME" shown:"CARRIER_SQS_QUEUE_NAME" allowed:"1 to 80 letters, digits, - and _; a FIFO queue's ends in .fifo within these 80" desc:"The name of the queue that messages are forwarded to. This or CARRIER_FORWARD_SQS_QUEUE_URL, one of which is needed where messages come from SQS too."`
	QueueURL   string `envconfig:"CARRIER_FORWARD_SQS_QUEUE_URL" shown:"CARRIER_SQS_QUEUE_URL" url:"http https" desc:"The URL of the queue that messages are forwarded to."`
	QueueOwner string `envconfig:"CARRIER_FORWARD_SQS_QUEUE_OWNER" allowed:"an account id of 12 digits" desc:"The AWS account that owns the queue, for a CARRIER_FORWARD_SQS_QUEUE_NAME in another account."`
	Endpoint   string `envconfig:"CARRIER_FORWARD_SQS_ENDPOINT" shown:"CARRIER_SQS_ENDPOINT" url:"http https" desc:"Another server that speaks SQS, for the queue that messages are forwarded to."`
}

// ForwardPubSub is the topic.
type ForwardPubSub struct {
	Topic    string `envconfig:"CARRIER_FORWARD_PUBSUB_TOPIC" shown:"CARRIER_PUBSUB_TOPIC" allowed:"a topic's name, or projects/P/topics/T" desc:"The topic that messages are forwarded to. It is needed where messages come from Pub/Sub too."`
	Project  string `envconfig:"CARRIER_FORWARD_PUBSUB_PROJECT" shown:"CARRIER_PUBSUB_PROJECT" allowed:"a project id" desc:"The project of a topic that is a name alone."`
	Endpoint string `envconfig:"CARRIER_FORWARD_PUBSUB_ENDPOINT" shown:"CARRIER_PUBSUB_ENDPOINT" allowed:"host:port, or a URL with http:// or https:// and no path" desc:"Another server that speaks Pub/Sub, for the topic that messages are forwarded to."`
}

// ForwardNATS is the subject, and the servers.
type ForwardNATS struct {
	URL             string `envconfig:"CARRIER_FORWARD_NATS_URL" shown:"CARRIER_NATS_URL" allowed:"a URL with nats://, tls://, ws:// or wss://, or several with commas between them" desc:"The NATS servers that messages are forwarded to. Where it is set, credentials and certificates without FORWARD_ are not shown to them."`
	Subject         string `envconfig:"CARRIER_FORWARD_NATS_SUBJECT" shown:"CARRIER_NATS_SUBJECT" allowed:"a subject without wildcards" desc:"The subject that messages are forwarded to. It is needed where messages come from NATS too."`
	CredentialsFile string `envconfig:"CARRIER_FORWARD_NATS_CREDENTIALS_FILE" allowed:"a readable file" desc:"CARRIER_NATS_CREDENTIALS_FILE for the servers that messages are forwarded to."`
	Token           Secret `envconfig:"CARRIER_FORWARD_NATS_TOKEN" allowed:"visible ASCII without spaces" desc:"CARRIER_NATS_TOKEN for the servers that messages are forwarded to."`
	CAFile          string `envconfig:"CARRIER_FORWARD_NATS_CA_FILE" allowed:"a readable file with PEM certificates" desc:"CARRIER_NATS_CA_FILE for the servers that messages are forwarded to."`
	ClientCertFile  string `envconfig:"CARRIER_FORWARD_NATS_CLIENT_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"CARRIER_NATS_CLIENT_CERT_FILE for the servers that messages are forwarded to."`
	ClientKeyFile   string `envconfig:"CARRIER_FORWARD_NATS_CLIENT_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_FORWARD_NATS_CLIENT_CERT_FILE."`
}

// Wrong lists the variables whose values are no names or addresses; topic and subject are
// CARRIER_PUBSUB_TOPIC and CARRIER_NATS_SUBJECT.
func (f Forward) Wrong(topic, subject string) (names []string) {
	for _, v := range []struct{ name, value, pattern string }{
		{"CARRIER_PUBSUB_TOPIC", topic, Topic}, {"CARRIER_FORWARD_PUBSUB_TOPIC", f.PubSub.Topic, Topic},
		{"CARRIER_NATS_SUBJECT", subject, Subject}, {"CARRIER_FORWARD_NATS_SUBJECT", f.NATS.Subject, Subject},
		{"CARRIER_FORWARD_SQS_QUEUE_NAME", f.SQS.QueueName, QueueName}, {"CARRIER_FORWARD_SQS_QUEUE_OWNER", f.SQS.QueueOwner, Account},
		{"CARRIER_FORWARD_PUBSUB_PROJECT", f.PubSub.Project, Project},
	} {
		if v.value != "" && !regexp.MustCompile(`^(?:`+v.pattern+`)$`).MatchString(v.value) {
			names = append(names, v.name)
		}
	}
	if f.PubSub.Endpoint != "" && !values.IsGRPCServer(f.PubSub.Endpoint) {
		names = append(names, "CARRIER_FORWARD_PUBSUB_ENDPOINT")
	}
	if f.NATS.URL != "" && !values.AreNATSServers(f.NATS.URL) {
		names = append(names, "CARRIER_FORWARD_NATS_URL")
	}
	return names
}

// A Target is the queue that messages are forwarded to.
type Target struct {
	// To is the engine; of the others only its own is filled in.
	To     string
	SQS    ForwardSQS
	PubSub ForwardPubSub
	NATS   ForwardNATS
}

// Target is the queue of f, with what the variables of the engine say that f does not.
func (f Forward) Target(q SQS, p PubSub, n NATS) Target {
	switch f.To {
	case OnSQS:
		return Target{To: f.To, SQS: f.SQS.with(q)}
	case OnPubSub:
		return Target{To: f.To, PubSub: ForwardPubSub{
			Topic: cmp.Or(f.PubSub.Topic, p.Topic), Project: cmp.Or(f.PubSub.Project, p.Project), Endpoint: cmp.Or(f.PubSub.Endpoint, p.Endpoint),
		}}
	case OnNATS:
		return Target{To: f.To, NATS: f.NATS.with(n)}
	}
	return Target{}
}

// with takes the queue, and with it its owner, from q where f names none.
func (f ForwardSQS) with(q SQS) ForwardSQS {
	f.Endpoint = cmp.Or(f.Endpoint, q.Endpoint)
	if f.QueueName == "" && f.QueueURL == "" {
		f.QueueName, f.QueueURL, f.QueueOwner = q.QueueName, q.QueueURL, cmp.Or(f.QueueOwner, q.QueueOwner)
	}
	return f
}

// with takes the servers, and with them what is shown to them, from n where f names none.
func (f ForwardNATS) with(n NATS) ForwardNATS {
	f.Subject = cmp.Or(f.Subject, n.Subject)
	if f.URL != "" {
		return f
	}
	f.URL = n.URL
	if f.CredentialsFile == "" && f.Token.Reveal() == "" {
		f.CredentialsFile, f.Token = n.CredentialsFile, n.Token
	}
	f.CAFile = cmp.Or(f.CAFile, n.CAFile)
	if f.ClientCertFile == "" && f.ClientKeyFile == "" {
		f.ClientCertFile, f.ClientKeyFile = n.ClientCertFile, n.ClientKeyFile
	}
	return f
}

// String names the queue for people, without secrets.
func (t Target) String() string {
	switch t.To {
	case OnSQS:
		return "sqs:" + cmp.Or(t.SQS.QueueURL, t.SQS.QueueName)
	case OnPubSub:
		return "pubsub:" + t.PubSub.Topic
	case OnNATS:
		return "nats:" + t.NATS.Subject
	}
	return ""
}

// IsSource reports whether the queue is q, so that messages would go round for ever.
func (t Target) IsSource(q SQS) bool {
	return t.To == OnSQS && t.SQS == (ForwardSQS{QueueName: q.QueueName, QueueURL: q.QueueURL, QueueOwner: q.QueueOwner, Endpoint: q.Endpoint})
}
