package nats

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"carrier/internal/contain"
	"carrier/message"
	"carrier/receiver"
	"carrier/receiver/nats/api"
)

// maxAtOnce is how many leases are renewed at once.
const maxAtOnce = 64

// Extend renews leases, each by a call of its own and many at once: JetStream has no batch of them.
// There is no limit to how often. A lease that is over by our own clock, and that of a message which
// was settled, is lost without asking: JetStream agrees to renew either, and does nothing.
func (r *Receiver) Extend(ctx context.Context, batch []*message.Message) []error {
	errs := make([]error, len(batch))
	slots := make(chan struct{}, maxAtOnce)
	var calls sync.WaitGroup
	for i, m := range batch {
		rc := receiver.ReceiptOf[receipt](m)
		if rc.msg == nil || rc.settled.Load() || !time.Now().Before(m.Expires()) {
			errs[i] = &receiver.Error{Operation: api.OpExtend, Class: receiver.Invalid, Err: receiver.ErrLeaseLost}
			continue
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			errs[i] = contain.Call(func() error { return r.extend(ctx, m, rc) })
		})
	}
	calls.Wait()
	return errs
}

func (r *Receiver) extend(ctx context.Context, m *message.Message, rc *receipt) error {
	now := time.Now()
	if err := r.tell(ctx, api.OpExtend, rc.msg, "+WPI"); err != nil {
		return err
	}
	// From before the call: JetStream counts from some moment during it.
	m.Renew(now.Add(m.Lease))
	return nil
}

// tell says word of the message to JetStream, and waits until it has heard it.
func (r *Receiver) tell(ctx context.Context, operation string, m *nats.Msg, word string) error {
	_, err := api.Do(ctx, r.client, operation, func(ctx context.Context) (*nats.Msg, error) {
		return r.client.Conn.RequestWithContext(ctx, m.Reply, []byte(word))
	})
	return err
}

// nak makes a message that was not returned available again after delay, if it can.
func (r *Receiver) nak(ctx context.Context, m *nats.Msg, delay time.Duration) {
	err := r.tell(ctx, api.OpNak, m, nakWord(delay))
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		r.options.Warn("", "a message could not be given back; it comes when its lease ends", err)
	}
}

// nakWord gives a message back after delay.
func nakWord(delay time.Duration) string {
	if delay <= 0 {
		return "-NAK"
	}
	return `-NAK {"delay": ` + strconv.FormatInt(int64(delay), 10) + `}`
}
