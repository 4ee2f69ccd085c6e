package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carrier/internal/queue"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/ingest/request"
)

// A Receiver is one subscription. It keeps the promises of receiver.Receiver.
type Receiver struct {
	door         *Server
	index        int
	subscription Subscription
}

var _ receiver.Receiver = (*Receiver)(nil)

// Open opens the queue and the address, unless another receiver of the server has. Every error is
// one that waiting does not help: of class Invalid when the address or the directory cannot be had
// (taken by another process, not allowed, refused for want of a token). Requests are answered from
// its return on.
func (r *Receiver) Open(ctx context.Context) error { return r.door.open(ctx) }

// Close closes the server and the queue when all receivers of the server have been closed.
func (r *Receiver) Close() error { return r.door.close(r.index) }

// Counts is what the subscription has; zero before Open.
func (r *Receiver) Counts() queue.Counts {
	if q := r.opened(); q != nil {
		return q.Subscription(r.index).Counts()
	}
	return queue.Counts{}
}

// Online says that the worker was found up: messages are stored for the subscription again, if they
// were not.
func (r *Receiver) Online() {
	if q := r.opened(); q != nil {
		q.Subscription(r.index).Online()
	}
}

// opened is the queue; nil before Open.
func (r *Receiver) opened() *queue.Queue { return r.door.queue.Load() }

// Receive waits for messages that are due and returns up to limit of them, oldest first and at most
// one of a group. After StopAccepting it does not wait. An error of class Broken means that nobody
// knows what the queue's file holds, or that it is gone.
func (r *Receiver) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	if r.opened() == nil {
		<-ctx.Done() // what is stored is in a queue elsewhere
		return nil, ctx.Err()
	}
	for {
		deliveries, err := r.opened().Subscription(r.index).Receive(ctx, limit)
		if err != nil {
			return nil, classed("receive", err)
		}
		batch := make([]*message.Message, 0, len(deliveries))
		for _, d := range deliveries {
			m, err := r.message(d)
			if err != nil {
				r.quarantine(ctx, d, err)
				continue
			}
			batch = append(batch, m)
		}
		if len(batch) > 0 || len(deliveries) == 0 {
			return batch, nil
		}
	}
}

func (r *Receiver) message(d *queue.Delivery) (*message.Message, error) {
	e, err := request.DecodeEnvelope(d.Head)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", d.ID, err)
	}
	m := &message.Message{
		ID: d.ID, Body: d.Body, ContentType: e.ContentType, Attributes: e.Attributes,
		Source: Source, Group: d.Group, Ordered: d.Group != "",
		ReceiveCount: d.ReceiveCount, Deferrals: d.Deferrals, FirstReceived: d.FirstReceived, Sent: d.Stored, Received: time.Now(),
		Key: e.Key(), Timeout: e.Timeout, Request: &e.Request, Lease: r.subscription.Lease, Receipt: &receipt{Delivery: d},
	}
	if d.Due.After(d.Stored) {
		m.Due = d.Due
	}
	if i := slices.IndexFunc(m.Attributes, isOriginalID); i >= 0 { // it has a header of its own
		m.OriginalID = m.Attributes[i].Value
		m.Attributes = slices.Delete(m.Attributes, i, i+1)
	}
	m.Renew(d.Expires)
	if d.Unsettled {
		r.subscription.Observer.Duplicate(duplicateUnsettled)
		r.subscription.Warn(m.ID, "ingest: handed out again (unsettled), since no outcome of the time before is on record; the worker may have handled it already", nil)
	}
	return m, nil
}

func isOriginalID(a message.Attribute) bool { return a.Name == receiver.OriginalIDAttribute }

// duplicateUnsettled is the cause of a duplicate whose lease, or carrier, ended before its outcome
// was stored.
const duplicateUnsettled = "unsettled"

// Duplicates lists the causes of a duplicate that an Observer is told of.
func Duplicates() []string { return []string{duplicateUnsettled} }

// quarantine takes a message out of the way that this version cannot read. Should that fail it
// comes back, and is quarantined then.
func (r *Receiver) quarantine(ctx context.Context, d *queue.Delivery, fault error) {
	_ = d.Quarantine(context.WithoutCancel(ctx), fault)
}

// Extend renews leases. It does not touch the disk.
func (r *Receiver) Extend(_ context.Context, batch []*message.Message) []error {
	errs := make([]error, len(batch))
	for i, m := range batch {
		until, err := receiptOf(m).Extend()
		if err != nil {
			errs[i] = classed("extend", err)
			continue
		}
		m.Renew(until)
	}
	return errs
}

// Settle does as o says and returns once that is on the disk. A dead letter that there
// is no room for is receiver.ErrNoDeadLetter.
func (r *Receiver) Settle(ctx context.Context, m *message.Message, o message.Outcome) error {
	d := receiptOf(m)
	switch {
	case o.Verdict == message.Rejected && o.Action == message.DeadLetter:
		err := d.DeadLetter(ctx, reason(m, o))
		if errors.Is(err, queue.ErrFull) {
			d.noRoom = true
			return receiver.ErrNoDeadLetter
		}
		return classed("settle", err)
	case o.Ends():
		return classed("settle", d.Remove(ctx))
	default:
		delay := o.Delay
		if d.noRoom {
			delay = max(delay, r.subscription.LongestBackoff)
		}
		return classed("settle", d.GiveBack(ctx, queue.Retry{Delay: delay, Timeout: m.Timeout, Failed: failedAttempt(o)}))
	}
}

// reason is why m, which ends with o, becomes a dead letter.
func reason(m *message.Message, o message.Outcome) queue.Reason {
	return queue.Reason{
		Text: o.Reason, Status: o.Status, Attempts: receiver.Attempts(m, o),
		Endpoint: o.Endpoint, FirstReceived: m.FirstReceived, LastAttempt: o.Attempted,
	}
}

// failedAttempt says whether o counts as a failed attempt when the message goes back. What was
// rejected without an attempt, such as a message that is too old, does not.
func failedAttempt(o message.Outcome) bool {
	return o.Verdict == message.Retry && o.Cause == message.Failed || o.Verdict == message.Rejected && o.Code != ""
}

// A receipt is one hand-out of the queue.
type receipt struct {
	*queue.Delivery
	noRoom bool // it was to be a dead letter, and there is no room for one
}

// receiptOf returns the receipt of m, which this receiver has made.
func receiptOf(m *message.Message) *receipt { return m.Receipt.(*receipt) }

// classed says an error of the queue in the words of package receiver. A context's own
// error is left as it is.
func classed(operation string, err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, queue.ErrLeaseLost):
		return receiver.ErrLeaseLost
	case errors.Is(err, queue.ErrBroken), errors.Is(err, queue.ErrClosed):
		return &receiver.Error{Operation: operation, Class: receiver.Broken, Err: err}
	default:
		return &receiver.Error{Operation: operation, Class: receiver.Other, Err: err}
	}
}
