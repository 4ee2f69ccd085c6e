// Package engine publishes with the clients of queues, one message after another.
package engine

import "fmt"

// A Client makes one POST, or publishes one message, and returns the status of the answer: 200 for
// what the queue has confirmed. It is safe for concurrent use.
type Client interface {
	Post(body []byte) (status int, err error)
}

// Open connects the client of an engine to a server: nats, sqs, or sqs-ten, which sends ten messages a
// call. Each call of what it returns makes a Client; there are to be so many.
func Open(engine, address string, clients int) (func() Client, error) {
	switch engine {
	case "sqs":
		return newSDK(address, clients, 1), nil
	case "sqs-ten":
		return newSDK(address, clients, 10), nil
	case "nats":
		return newJet(address)
	}
	return nil, fmt.Errorf("no client %q", engine)
}
