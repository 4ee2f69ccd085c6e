package dispatch

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"carrier/message"
	"carrier/receiver"
)

// endless is a source that always has ten more messages, until it is told to stop.
type endless struct {
	receiver.Receiver
	given, settled atomic.Int64
	most           int64
	over           context.CancelFunc
}

func (e *endless) Open(context.Context) error { return nil }

func (e *endless) Receive(ctx context.Context, limit int) ([]*message.Message, error) {
	batch := make([]*message.Message, 0, limit)
	for range limit {
		n := e.given.Add(1)
		if n > e.most {
			break
		}
		m := &message.Message{ID: "b8c8bd94-5d1c-4f5e-9c44-" + strconv.FormatInt(n, 10), ReceiveCount: 1, Lease: time.Minute}
		m.Renew(time.Now().Add(time.Minute))
		batch = append(batch, m)
	}
	if len(batch) == 0 {
		<-ctx.Done()
	}
	return batch, ctx.Err()
}

func (e *endless) Settle(context.Context, *message.Message, message.Outcome) error {
	if e.settled.Add(1) == e.most {
		e.over()
	}
	return nil
}

// accepting is a worker that takes everything at once.
type accepting struct{}

func (accepting) Ready(context.Context, int) (int, error) { return 1 << 30, nil }

func (accepting) Transmit(context.Context, *message.Message) message.Outcome {
	return message.Outcome{Verdict: message.Delivered, Status: 200, Code: "2xx"}
}

// BenchmarkMessage is what dispatch itself costs for one message.
func BenchmarkMessage(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	source := &endless{most: int64(b.N), over: cancel}
	d := New(Options{Receiver: source, Transmitter: accepting{}, Concurrency: 40, Batch: 10, Prefetch: Auto})
	b.ReportAllocs()
	b.ResetTimer()
	if err := d.Run(ctx); err != nil {
		b.Fatal(err)
	}
}
