package receiver

import (
	"context"
	"slices"
	"time"

	"carrier/internal/sleep"
	"carrier/message"
)

// FallbackLease is the lease that is asked for where the source's own is not known.
const FallbackLease = 30 * time.Second

// WholeSeconds rounds d up to whole seconds, between none and most.
func WholeSeconds(d, most time.Duration) int32 {
	d = min(max(d, 0), most)
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // no source has a lease of 68 years
}

// ReceiptOf returns the receipt that a receiver has put into m. A message of another receiver has
// none of that type, and nothing can be done for it: the source refuses the zero receipt.
func ReceiptOf[R any](m *message.Message) *R {
	if receipt, ok := m.Receipt.(*R); ok {
		return receipt
	}
	return new(R)
}

// A Call is one kind of request to a source.
type Call struct {
	Operation string
	Timeout   time.Duration
	Observer  Observer
	// Sort gives an error of the request its class.
	Sort func(operation string, err error) *Error
}

// Do makes one request, within c.Timeout, and counts it and its failure. The error is ctx's own
// when ctx ended, else what c.Sort makes of the request's.
func Do[Out any](ctx context.Context, c Call, request func(context.Context) (Out, error)) (Out, error) {
	limited, cancel := sleep.Within(ctx, c.Timeout)
	defer cancel()
	c.Observer.SourceCall(c.Operation)
	out, err := request(limited)
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	sorted := c.Sort(c.Operation, err)
	c.Observer.SourceError(c.Operation, sorted.Class)
	return out, sorted
}

// An Unwanted message was taken from the source and is not returned by Receive.
type Unwanted struct {
	// Handle is what the source calls the hand-out; without one nothing can be done.
	Handle string
	// Delay is how long the message stays hidden.
	Delay time.Duration
}

// GiveBack calls hide for each of the unwanted messages, the last one first, so that a group's head
// does not become available before its tail. It goes on when ctx ends, for timeout at most. What
// could not be given back comes back when its lease ends.
func GiveBack(ctx context.Context, unwanted []Unwanted, timeout time.Duration, hide func(ctx context.Context, u Unwanted) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	for _, u := range slices.Backward(unwanted) {
		if u.Handle != "" {
			_ = hide(ctx, u)
		}
	}
}
