package config

import (
	"carrier/config/values"
)

// NATSOptions says which consumer of NATS JetStream is read, and how.
type NATSOptions struct {
	URL               string `envconfig:"CARRIER_NATS_URL" default:"nats://localhost:4222" allowed:"a URL with nats://, tls://, ws:// or wss://, or several with commas between them" desc:"The NATS servers to connect to."`
	Stream            string `envconfig:"CARRIER_NATS_STREAM" allowed:"a stream's name, without blanks, dots, slashes, * and >" desc:"The JetStream stream that the consumer is of. carrier creates neither; carrier check prints the commands that would."`
	Consumer          string `envconfig:"CARRIER_NATS_CONSUMER" allowed:"a consumer's name, without blanks, dots, slashes, * and >" desc:"The consumer to pull from: durable, and with explicit acknowledgements."`
	CredentialsFile   string `envconfig:"CARRIER_NATS_CREDENTIALS_FILE" allowed:"a readable file" desc:"File with the user's JWT and seed. Reread at each connect."`
	Token             Secret `envconfig:"CARRIER_NATS_TOKEN" allowed:"visible ASCII without spaces" desc:"Token shown to the NATS server."`
	CAFile            string `envconfig:"CARRIER_NATS_CA_FILE" allowed:"a readable file with PEM certificates" desc:"Certificate authorities to trust for the NATS server, in place of the system's. Reread at each connect."`
	ClientCertFile    string `envconfig:"CARRIER_NATS_CLIENT_CERT_FILE" allowed:"a readable file with a PEM certificate" desc:"Certificate shown to the NATS server; together with CARRIER_NATS_CLIENT_KEY_FILE. Reread at each connect."`
	ClientKeyFile     string `envconfig:"CARRIER_NATS_CLIENT_KEY_FILE" allowed:"a readable file with a PEM key" desc:"Key of CARRIER_NATS_CLIENT_CERT_FILE. Reread at each connect."`
	Ordered           bool   `envconfig:"CARRIER_NATS_ORDERED" default:"false" desc:"Handle the messages of a group (the header Carrier-Group-Id) one at a time and in order, within this replica. Always so where the consumer is pinned to one client, which keeps the order over all replicas."`
	DeadLetterSubject string `envconfig:"CARRIER_DEAD_LETTER_SUBJECT" allowed:"a subject without wildcards" desc:"Where the dead-letter action publishes messages on NATS, and what would go back at the last delivery that the consumer allows. A stream has to take it. With CARRIER_REJECT_ACTION=dead-letter it must be set."`
}

const natsName = `[^\s.*>/\\]+`

// consumer checks that NATS is told of one consumer, and of nothing that the receiver cannot do.
func (k *check) consumer(n NATSOptions) {
	const stream, consumer, subject = "CARRIER_NATS_STREAM", "CARRIER_NATS_CONSUMER", "CARRIER_DEAD_LETTER_SUBJECT"
	k.require("CARRIER_NATS_URL", values.AreNATSServers(n.URL))
	k.require(stream, n.Stream == "" || matches(natsName, n.Stream))
	k.require(consumer, n.Consumer == "" || matches(natsName, n.Consumer))
	k.require(subject, n.DeadLetterSubject == "" || matches(`[^\s.*>]+(\.[^\s.*>]+)*`, n.DeadLetterSubject))
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
