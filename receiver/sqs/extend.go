package sqs

import (
	"context"
	"slices"
	"sync"
	"time"

	"carrier/internal/batch"
	"carrier/internal/contain"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/sqs/api"
)

// Extend renews leases, ten messages a call and several calls at once. A lease is never extended
// beyond twelve hours from the receive, less a minute: near that it grows by less, then not at all
// (no error while it still runs), and is lost when it is over. A panic in a call is the error of
// its messages.
func (r *Receiver) Extend(ctx context.Context, batch []*message.Message) []error {
	errs := make([]error, len(batch))
	var (
		calls sync.WaitGroup
		slots = make(chan struct{}, maxInFlight)
		first int
	)
	for chunk := range slices.Chunk(batch, maxBatch) {
		results := errs[first : first+len(chunk)]
		first += len(chunk)
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			err := contain.Call(func() error { r.extend(ctx, chunk, results); return nil })
			if err != nil {
				fail(results, err)
			}
		})
	}
	calls.Wait()
	return errs
}

// extend renews up to ten leases in one call and fills in their results.
func (r *Receiver) extend(ctx context.Context, chunk []*message.Message, results []error) {
	var (
		now     = time.Now()
		entries []*batch.Entry
		indices []int
	)
	for i, m := range chunk {
		seconds, err := extension(m, now)
		results[i] = err
		if err == nil && seconds > 0 {
			entries = append(entries, &batch.Entry{ID: receiver.ReceiptOf[receipt](m).handle, Seconds: seconds})
			indices = append(indices, i)
		}
	}
	if len(entries) == 0 {
		return
	}
	for k, err := range r.client.ChangeBatch(ctx, api.OpExtend, r.queue.url, entries) {
		i := indices[k]
		results[i] = err
		if err == nil {
			// From before the call: SQS counts from some moment during it.
			chunk[i].Renew(now.Add(time.Duration(entries[k].Seconds) * time.Second))
		}
	}
}

// fail gives each message without an error err.
func fail(results []error, err error) {
	for i := range results {
		if results[i] == nil {
			results[i] = err
		}
	}
}

// extension returns the visibility timeout to ask for; 0 where the lease already runs as long as it
// may. A lease that is over by our own clock is lost without asking: another consumer may have the
// message, and a standard queue has been seen to answer such a renewal with success and do nothing.
func extension(m *message.Message, now time.Time) (int32, error) {
	if !now.Before(m.Expires()) {
		return 0, &receiver.Error{Operation: api.OpExtend, Class: receiver.Invalid, Err: receiver.ErrLeaseLost}
	}
	seconds := within(m.Lease, now, receiver.ReceiptOf[receipt](m).until)
	capped := seconds < wholeSeconds(m.Lease)
	if capped && !now.Add(time.Duration(seconds)*time.Second).After(m.Expires()) {
		return 0, nil
	}
	return seconds, nil
}
