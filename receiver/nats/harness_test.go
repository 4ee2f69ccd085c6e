package nats

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"carrier/internal/testkit/natstest"
	"carrier/message"
	"carrier/receiver/receivertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A bench is an opened receiver on the consumer c of a stream, S.
type bench struct {
	*Receiver
	server   *natstest.Server
	consumer jetstream.Consumer
	seen     *receivertest.Record
}

// benchOn opens a receiver on a server of its own. Beside S, which has no work-queue retention where
// the consumer has filters, the stream D takes dead letters.
func benchOn(t *testing.T, o Options, change ...func(*jetstream.ConsumerConfig)) bench {
	t.Helper()
	b := unopened(t, o, change...)
	must(t, b.Open(t.Context()))
	return b
}

func unopened(t *testing.T, o Options, change ...func(*jetstream.ConsumerConfig)) bench {
	t.Helper()
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "S")
	s.Stream(t, "D")
	c := s.Consumer(t, "S", "c", change...)
	r, seen := receiverOn(t, s, o)
	return bench{r, s, c, seen}
}

// receiverOn makes a receiver that is not opened.
func receiverOn(t *testing.T, s *natstest.Server, o Options) (*Receiver, *receivertest.Record) {
	t.Helper()
	seen := &receivertest.Record{}
	if o.URL == "" {
		o.URL = s.URL
	}
	if o.Stream == "" {
		o.Stream = "S"
	}
	if o.Consumer == "" {
		o.Consumer = "c"
	}
	o.Observer, o.Warn = seen, seen.Warn
	r := New(o)
	t.Cleanup(func() { must(t, r.Close()) })
	return r, seen
}

// send stores a message for each body.
func (b bench) send(t *testing.T, group string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		headers := nats.Header{}
		if group != "" {
			headers.Set("Carrier-Group-Id", group)
		}
		b.server.Publish(t, "S.x", body, headers)
	}
}

// take receives n messages.
func (b bench) take(t *testing.T, n int) []*message.Message {
	t.Helper()
	return receivertest.Take(t, b.Receiver, n, time.Minute)
}

// waiting is how many pulls are open at the consumer, and how many messages are under a lease.
func (b bench) waiting(t *testing.T) (pulls, leased int) {
	t.Helper()
	info, err := b.consumer.Info(t.Context())
	must(t, err)
	return info.NumWaiting, info.NumAckPending
}

// settles waits until what holds, which comes by itself and soon.
func settles(t *testing.T, what func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to that")
		}
	}
}

func delivered() message.Outcome { return message.Outcome{Verdict: message.Delivered} }

func rejected() message.Outcome {
	return message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Status: 422, Reason: "the worker said 422"}
}
