package nats

import (
	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// Options says which consumer a Receiver takes messages from, and how.
type Options struct {
	// URL is one URL of a server, or a list of them with commas.
	URL string
	// Stream and Consumer name a durable pull consumer with explicit acknowledgements, which is there.
	Stream, Consumer string
	// CredentialsFile holds a user's JWT and seed; Token returns a token, and may be nil. Each is
	// asked for at each connect.
	CredentialsFile string
	Token           func() string
	// CAFile holds the authorities to trust in place of the system's. ClientCertFile and
	// ClientKeyFile are given together or not at all.
	CAFile, ClientCertFile, ClientKeyFile string
	// DeadLetterSubject is where dead letters are published; empty means nowhere.
	DeadLetterSubject string
	// Ordered says that messages of one group are handled in their order. It is so without it where
	// the consumer is pinned to one client.
	Ordered bool
	// UserAgent is what the server calls the connection, as "carrier/1.2.3"; may be empty.
	UserAgent string
	// Observer is told of calls and failures; may be nil.
	Observer receiver.Observer
	// Warn is told what an operator should know and the receiver got by without; messageID and err
	// may be empty. It is safe for concurrent use; may be nil.
	Warn func(messageID, text string, err error)
}

func (o Options) withDefaults() Options {
	if o.Observer == nil {
		o.Observer = receiver.NoObserver{}
	}
	if o.Warn == nil {
		o.Warn = func(string, string, error) {}
	}
	return o
}

// api returns what a client is made of.
func (o Options) api() api.Options {
	return api.Options{
		URL: o.URL, CredentialsFile: o.CredentialsFile, Token: o.Token,
		CAFile: o.CAFile, ClientCertFile: o.ClientCertFile, ClientKeyFile: o.ClientKeyFile,
		Name: o.UserAgent, Observer: o.Observer, Warn: func(text string, err error) { o.Warn("", text, err) },
	}
}
