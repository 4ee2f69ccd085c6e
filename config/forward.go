package config

import (
	"fmt"
	"slices"
	"strings"
)

// The values of IngestOptions.Store.
const (
	StoreFile         = "file"
	StoreQueue        = "queue"
	StoreQueueAndFile = "queue+file"
)

// forwardConcurrency is how many messages of a route are forwarded at once where nothing is said: as
// many as fill a few calls of ten. There is no worker that they could be too many for.
const forwardConcurrency = 64

// Forwards reports whether messages of the route go to a queue. It is good after Load.
func (r Route) Forwards() bool { return r.Transmitter == Forward }

// Target is the queue that messages of the route go to, where Forwards says so.
func (r Route) Target() Target { return r.Forward.Target(r.SQS, r.PubSub, r.NATS) }

// stores checks that the door of a store that needs a queue is one route.
func (k *check) stores() {
	const store = "CARRIER_INGEST_STORE"
	if k.config.Ingest.Store == StoreFile || k.faulty(store) {
		return
	}
	doors := 0
	for _, r := range k.config.Routes {
		if r.Receiver == Ingest {
			doors++
		}
	}
	if doors != 1 {
		k.fault(store, fmt.Sprintf("needs exactly one route with the ingest receiver, which takes the messages of producers, and there are %d; "+
			"beside it routes with other receivers may stand in CARRIER_ROUTES", doors))
	}
}

// forward checks that a route that forwards is told of one queue, and of another one than it receives
// from.
func (k *check) forward() {
	const transmitter, to = "CARRIER_TRANSMITTER", "CARRIER_FORWARD_TO"
	r := k.route
	k.forwardValues(r.Forward, r.PubSub.Topic, r.NATS.Subject)
	if k.faulty("CARRIER_INGEST_STORE") {
		return // it says whether there is a queue to be told of
	}
	door := r.Receiver == Ingest && k.config.Ingest.Store != StoreFile
	if door && !k.set(transmitter) {
		r.Transmitter = Forward
	}
	switch {
	case door && r.Transmitter != Forward:
		k.fault(transmitter, "must be forward with CARRIER_INGEST_STORE="+k.config.Ingest.Store+", whose messages go to the queue")
		return
	case !r.Forwards() || k.faulty(to):
		return
	case r.Forward.To == "":
		k.fault(to, "must be set: sqs, pubsub or nats")
		return
	case !slices.Contains(k.receivers, r.Forward.To):
		k.fault(to, "must be built into this binary, which has "+strings.Join(k.receivers, ", "))
		return
	}
	k.forwarded(r)
}

// forwarded checks a route whose queue has a kind that is built in.
func (k *check) forwarded(r *Route) {
	if r.Receiver == Ingest && r.Ingest.Replay {
		k.fault("CARRIER_INGEST_REPLAY", "must be false where messages are forwarded: a queue keeps no method, path or headers")
	}
	k.targetNamed()
	if r.Forward.To == PubSub {
		k.projectOf(&r.Forward.PubSub.Project, r.PubSub.Project)
	}
}

// targetNamed checks that the queue has one name, which is not that of the source.
func (k *check) targetNamed() {
	r := k.route
	names := map[string][]string{SQS: {"SQS_QUEUE_URL", "SQS_QUEUE_NAME"}, PubSub: {"PUBSUB_TOPIC"}, NATS: {"NATS_SUBJECT"}}[r.Forward.To]
	own, shared := k.setOf(prefix+"FORWARD_", names), k.setOf(prefix, names)
	counts := own
	if len(own) == 0 && r.Receiver != r.Forward.To {
		counts = shared
	}
	switch first := prefix + "FORWARD_" + names[0]; {
	case len(counts) == 0 && r.Receiver == r.Forward.To:
		k.fault(first, "must be set: messages come from "+r.Receiver+" too, and "+prefix+names[0]+" does not say which of the two it means")
	case len(counts) == 0:
		k.fault(first, "must be set, or "+prefix+names[0])
	case len(counts) > 1:
		k.fault(counts[0], "must not be set together with "+counts[1])
	case r.Receiver == SQS && r.Target().IsSource(r.SQS):
		k.fault(counts[0], "must be another queue than the one messages come from")
	}
}

// setOf lists those of names, each with start before it, that are set.
func (k *check) setOf(start string, names []string) (all []string) {
	for _, name := range names {
		if k.set(start + name) {
			all = append(all, start+name)
		}
	}
	return all
}

// forwardValues checks what the values are by themselves, whether they are used or not.
func (k *check) forwardValues(f ForwardOptions, topic, subject string) {
	for _, name := range f.Wrong(topic, subject) {
		k.require(name, false)
	}
	k.token("CARRIER_FORWARD_NATS_TOKEN", f.NATS.Token)
	if path := f.NATS.CredentialsFile; path != "" {
		k.file("CARRIER_FORWARD_NATS_CREDENTIALS_FILE", path)
	}
	k.authorities("CARRIER_FORWARD_NATS_CA_FILE", f.NATS.CAFile)
	k.keyPair("CARRIER_FORWARD_NATS_CLIENT_CERT_FILE", f.NATS.ClientCertFile, "CARRIER_FORWARD_NATS_CLIENT_KEY_FILE", f.NATS.ClientKeyFile)
}

// completeForward fills in what differs where no worker is at the end of the route: a queue that is
// away is no reason to give a message up, and what it can never take is rejected at once.
func (r *Route) completeForward(set func(ref string) bool) {
	if !set("CARRIER_CONCURRENCY") && !set("CARRIER_SQS_RECEIVERS") && !set("CARRIER_SQS_RECEIVER_WORKERS") {
		r.Concurrency = forwardConcurrency
	}
	if !set("CARRIER_RETRY_MAX_ATTEMPTS") {
		r.Retry.MaxAttempts = 0
	}
}
