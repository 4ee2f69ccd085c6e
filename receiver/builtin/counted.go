//go:build !noingest

package builtin

import (
	"context"
	"errors"
	"fmt"
	"net"

	"carrier/message"
	"carrier/receiver"
)

// The operations that counted tells of.
const (
	opReceive = "receive"
	opExtend  = "extend"
	opSettle  = "settle"
)

func countedOperations() []string { return []string{opReceive, opExtend, opSettle} }

// counted tells an Observer of each call to a receiver that makes no calls of its
// own over a network.
type counted struct {
	receiver.Receiver
	observer receiver.Observer
}

// Open opens the receiver. Its error names the variable to change where the address is not to be had.
func (c counted) Open(ctx context.Context) error {
	err := c.Receiver.Open(ctx)
	var socket *net.OpError
	if errors.As(err, &socket) && socket.Op == "listen" { // and not the queue's, which messages go to
		return &receiver.Error{Operation: "ingest", Class: receiver.ClassOf(err), Err: fmt.Errorf("%w (CARRIER_INGEST_ADDRESS)", socket)}
	}
	return err
}

// Receive receives, and is counted.
func (c counted) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	c.observer.SourceCall(opReceive)
	batch, err := c.Receiver.Receive(ctx, limit)
	if ctx.Err() == nil {
		c.failed(opReceive, err)
	}
	return batch, err
}

// Extend extends, and is counted.
func (c counted) Extend(ctx context.Context, batch []*message.Message) []error {
	c.observer.SourceCall(opExtend)
	errs := c.Receiver.Extend(ctx, batch)
	for _, err := range errs {
		c.failed(opExtend, err)
	}
	return errs
}

// Settle settles, and is counted.
func (c counted) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	c.observer.SourceCall(opSettle)
	err := c.Receiver.Settle(ctx, m, o)
	c.failed(opSettle, err)
	return err
}

func (c counted) failed(operation string, err error) {
	if err != nil && !errors.Is(err, receiver.ErrLeaseLost) && !errors.Is(err, receiver.ErrNoDeadLetter) {
		c.observer.SourceError(operation, receiver.ClassOf(err))
	}
}
