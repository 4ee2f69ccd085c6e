package config

import (
	"carrier/config/queues"
	"carrier/config/values"
)

const natsName = `[^\s.*>/\\]+`

// consumer checks that NATS is told of one consumer, and of nothing that the receiver cannot do.
func (k *check) consumer(n NATSOptions) {
	const stream, consumer, subject = "CARRIER_NATS_STREAM", "CARRIER_NATS_CONSUMER", "CARRIER_DEAD_LETTER_SUBJECT"
	k.require("CARRIER_NATS_URL", values.AreNATSServers(n.URL))
	k.require(stream, n.Stream == "" || matches(natsName, n.Stream))
	k.require(consumer, n.Consumer == "" || matches(natsName, n.Consumer))
	k.require(subject, n.DeadLetterSubject == "" || matches(queues.Subject, n.DeadLetterSubject))
	k.token("CARRIER_NATS_TOKEN", n.Token)
	if n.CredentialsFile != "" {
		k.file("CARRIER_NATS_CREDENTIALS_FILE", n.CredentialsFile)
	}
	k.authorities("CARRIER_NATS_CA_FILE", n.CAFile)
	k.keyPair("CARRIER_NATS_CLIENT_CERT_FILE", n.ClientCertFile, "CARRIER_NATS_CLIENT_KEY_FILE", n.ClientKeyFile)
	if k.route.Receiver != NATS {
		return
	}
	for _, name := range []string{stream, consumer} {
		if !k.set(name) {
			k.fault(name, "must be set")
		}
	}
	if k.route.RejectAction == DeadLetter && n.DeadLetterSubject == "" {
		k.fault("CARRIER_REJECT_ACTION", "needs a subject for dead letters with the nats receiver: "+subject)
	}
}
