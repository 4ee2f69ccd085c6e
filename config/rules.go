package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"mime"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"carrier/config/faults"
	"carrier/config/observe"
	"carrier/config/queues"
	"carrier/config/values"
	"carrier/config/variable"
	"carrier/internal/netaddr"
	"carrier/internal/secretfile"
)

// What stands in ingest's way of keeping a message for ever: there is no redrive policy.
const (
	ingestTimeout  = 72 * time.Hour
	ingestAttempts = 20
)

// leastFailures is how many failures in a row open a breaker at least, unless it is set.
const leastFailures = 5

// rules checks what no single bound can say of the process's variables.
func (k *check) rules() {
	c := k.config
	k.address("CARRIER_ADMIN_ADDRESS", c.Admin.Address)
	k.address("CARRIER_INGEST_ADDRESS", c.Ingest.Address)
	k.token("CARRIER_ADMIN_TOKEN", c.Admin.Token)
	k.token("CARRIER_INGEST_TOKEN", c.Ingest.Token)
	k.hosts("CARRIER_ADMIN_HOSTS", c.Admin.Hosts)
	k.page(c.Admin)
	k.require("CARRIER_AUDIT_DIR", c.Audit.To != observe.File || c.Audit.Dir != "")
	k.worker(c.Worker)
	k.aws()
	k.ingest(c.Ingest)
	k.stores()
	k.keysOfIngest(c.Ingest)
}

// routeRules checks the same of a route's variables.
func (k *check) routeRules() {
	r := k.route
	k.queue(r.SQS)
	k.subscription(r.PubSub)
	k.consumer(r.NATS)
	k.forward()
	k.topics(r.Ingest.Topics)
	k.endpoint(r.Webhook)
	k.signing(r.Webhook)
	k.format(r)
	k.egress(r.Webhook)
	k.certificates(r.Webhook)
	k.concurrency(r.SQS)
	if r.Retry.MaxInterval < r.Retry.InitialInterval {
		k.fault("CARRIER_RETRY_MAX_INTERVAL", fmt.Sprintf("must be at least CARRIER_RETRY_INITIAL_INTERVAL, %v", r.Retry.InitialInterval))
	}
	if most := r.Subscription.MaxBytes; most != 0 && most < k.config.Ingest.MaxBody {
		k.fault("CARRIER_SUBSCRIPTION_MAX_BYTES", fmt.Sprintf("must be at least CARRIER_INGEST_MAX_BODY, %v", k.config.Ingest.MaxBody))
	}
}

// require notes a fault of the variable called name where good does not hold.
func (k *check) require(name string, good bool) {
	if v, known := k.variable(name); known && !good {
		k.fault(name, "must be "+v.Allowed())
	}
}

func (k *check) address(name, value string) {
	k.require(name, netaddr.Listenable(value) || value == "" && k.set(name))
}

// hosts checks names of hosts.
func (k *check) hosts(name string, hosts List) {
	k.require(name, !slices.ContainsFunc(hosts, func(host string) bool { return !netaddr.Listenable(host + ":0") }))
}

func (k *check) token(name string, token Secret) {
	k.require(name, strings.IndexFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) < 0)
}

// queue checks that SQS is told of one queue.
func (k *check) queue(q SQSOptions) {
	const name, url = "CARRIER_SQS_QUEUE_NAME", "CARRIER_SQS_QUEUE_URL"
	k.require(name, q.QueueName == "" || matches(queues.QueueName, q.QueueName))
	k.require("CARRIER_SQS_QUEUE_OWNER", q.QueueOwner == "" || matches(queues.Account, q.QueueOwner))
	switch {
	case k.route.Receiver != SQS:
	case k.set(name) && k.set(url):
		k.fault(url, "must not be set together with "+name)
	case !k.set(name) && !k.set(url):
		k.fault(name, "must be set, or "+url)
	}
}

// subscription checks that Pub/Sub is told of one subscription, and of nothing that the
// receiver cannot do.
func (k *check) subscription(p PubSubOptions) {
	const name = "CARRIER_PUBSUB_SUBSCRIPTION"
	k.require(name, p.Subscription == "" || matches(`(projects/[^/\s]+/subscriptions/)?[A-Za-z][A-Za-z0-9._~+%-]{2,254}`, p.Subscription))
	k.require("CARRIER_DEAD_LETTER_TOPIC", p.DeadLetterTopic == "" || matches(queues.Topic, p.DeadLetterTopic))
	k.require("CARRIER_PUBSUB_PROJECT", p.Project == "" || matches(queues.Project, p.Project))
	k.require("CARRIER_PUBSUB_ENDPOINT", p.Endpoint == "" || values.IsGRPCServer(p.Endpoint))
	if k.route.Receiver != PubSub {
		return
	}
	k.projectOf(&k.route.PubSub.Project, "")
	if !k.set(name) {
		k.fault(name, "must be set")
	}
	if k.route.RejectAction == DeadLetter && p.DeadLetterTopic == "" {
		k.fault("CARRIER_REJECT_ACTION", "needs a topic for dead letters with the pubsub receiver: CARRIER_DEAD_LETTER_TOPIC")
	}
}

// projectOf takes the project from otherwise, or from the environment that Google's own tools read,
// unless it is set.
func (k *check) projectOf(project *string, otherwise string) {
	const name = "GOOGLE_CLOUD_PROJECT"
	if value := os.Getenv(name); *project == "" {
		if *project = otherwise; otherwise != "" {
			return
		}
		*project = value
		if value != "" && !matches(queues.Project, value) {
			k.fault(name, "must be a project id")
		}
	}
}

func matches(pattern, value string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(value)
}

// ingest checks that producers are known, and that the largest body fits.
func (k *check) ingest(i IngestOptions) {
	if i.MaxBytes < i.MaxBody && !k.faulty("CARRIER_INGEST_MAX_BODY") {
		k.fault("CARRIER_INGEST_MAX_BYTES", fmt.Sprintf("must be at least CARRIER_INGEST_MAX_BODY, %v", i.MaxBody))
	}
	if k.set("CARRIER_INGEST_MAX_DEAD_BYTES") && i.MaxDeadBytes < i.MaxBody && !k.faulty("CARRIER_INGEST_MAX_BODY") {
		k.fault("CARRIER_INGEST_MAX_DEAD_BYTES", fmt.Sprintf("must be at least CARRIER_INGEST_MAX_BODY, %v", i.MaxBody))
	}
	k.keyPair("CARRIER_INGEST_TLS_CERT_FILE", i.TLSCertFile, "CARRIER_INGEST_TLS_KEY_FILE", i.TLSKeyFile)
	closed := i.Authenticates() || k.faulty("CARRIER_INGEST_TOKEN"+variable.FileSuffix) || k.faulty("CARRIER_INGEST_SIGNING_SECRETS"+variable.FileSuffix)
	if k.config.Receives(Ingest) && !closed && !i.AllowAnonymous && !netaddr.IsLoopback(i.Address) {
		k.fault("CARRIER_INGEST_ADDRESS", "must be a loopback address, unless CARRIER_INGEST_TOKEN or CARRIER_INGEST_SIGNING_SECRETS is set or CARRIER_INGEST_ALLOW_ANONYMOUS is true")
	}
}

func (k *check) endpoint(w WebhookOptions) {
	const timeouts = "CARRIER_WEBHOOK_REQUEST_TIMEOUTS"
	k.require(timeouts, !slices.ContainsFunc(w.RequestTimeouts, func(d time.Duration) bool { return d < time.Millisecond || d > 12*time.Hour }))
	if n := len(w.RequestTimeouts); n > 0 && n != len(w.Endpoints) && !k.faulty("CARRIER_WEBHOOK_ENDPOINT") {
		k.fault(timeouts, fmt.Sprintf("must have as many durations as CARRIER_WEBHOOK_ENDPOINT has endpoints, %d; it has %d", len(w.Endpoints), n))
	}
	media, _, err := mime.ParseMediaType(w.ContentType)
	k.require("CARRIER_WEBHOOK_DEFAULT_CONTENT_TYPE", err == nil && strings.Contains(media, "/"))
	_, good := values.ParseHeaders(w.Headers.Reveal())
	k.require("CARRIER_WEBHOOK_HEADERS", good)
}

func (k *check) certificates(w WebhookOptions) {
	k.authorities("CARRIER_WEBHOOK_CA_FILE", w.CAFile)
	k.keyPair("CARRIER_WEBHOOK_CLIENT_CERT_FILE", w.ClientCertFile, "CARRIER_WEBHOOK_CLIENT_KEY_FILE", w.ClientKeyFile)
}

// authorities checks the file of certificates that the variable called name names, if it does.
func (k *check) authorities(name, path string) {
	if path != "" {
		pem := k.file(name, path)
		k.require(name, x509.NewCertPool().AppendCertsFromPEM(pem))
	}
}

// keyPair checks the files of a certificate and its key, which the variables called cert and key
// name: both are set and go together, or neither is set.
func (k *check) keyPair(cert, certPath, key, keyPath string) {
	switch {
	case certPath == "" && keyPath == "":
	case keyPath == "":
		k.fault(key, "must be set together with "+cert)
	case certPath == "":
		k.fault(cert, "must be set together with "+key)
	default:
		certPEM, keyPEM := k.file(cert, certPath), k.file(key, keyPath)
		if certPEM == nil || keyPEM == nil {
			return
		}
		if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
			k.fault(cert, fmt.Sprintf("must be a PEM certificate that goes with the key of %s: %v", key, err))
		}
	}
}

// file reads the file that the variable called name names, or notes a fault.
func (k *check) file(name, path string) []byte {
	data, err := secretfile.ReadBytes(path)
	if err != nil {
		v, _ := k.variable(name)
		k.fault(name, fmt.Sprintf("must be %s: %v", v.Allowed(), err))
	}
	return data
}

// concurrency checks the product that stands in for CARRIER_CONCURRENCY.
func (k *check) concurrency(q SQSOptions) {
	v, _ := k.variable("CARRIER_CONCURRENCY")
	if most, _ := v.Bound("max"); !v.Set() && float64(q.Concurrency()) > most {
		k.fault("CARRIER_SQS_RECEIVER_WORKERS", fmt.Sprintf("must be at most %g when multiplied by CARRIER_SQS_RECEIVERS, %d", most, max(q.Receivers, 1)))
	}
}

// topics checks the paths of a subscription, and names each that is none.
func (k *check) topics(topics List) {
	var wrong []string
	for _, topic := range topics {
		if !values.IsTopic(topic) {
			wrong = append(wrong, fmt.Sprintf("%q", faults.Harmless(topic)))
		}
	}
	if len(wrong) == 0 {
		return
	}
	const name = "CARRIER_INGEST_TOPIC"
	v, _ := k.variable(name)
	k.fault(name, "must be "+v.Allowed()+"; not "+strings.Join(wrong, ", "))
}
