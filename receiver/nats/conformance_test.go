package nats

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/internal/testkit/natstest"
	"carrier/receiver"
	"carrier/receiver/receivertest"
)

const conformanceLease = 2 * time.Second

func TestConsumerKeepsThePromises(t *testing.T) {
	t.Parallel()
	receivertest.Run(t, over(natstest.Start(t).Connect(t), Options{}))
}

func TestOrderedConsumerKeepsThePromises(t *testing.T) {
	t.Parallel()
	h := over(natstest.Start(t).Connect(t), Options{Ordered: true})
	h.Groups, h.Tails = true, true
	receivertest.Run(t, h)
}

func TestConsumerWithASubjectForDeadLettersKeepsThePromises(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t).Connect(t)
	s.Stream(t, "D")
	receivertest.Run(t, over(s, Options{DeadLetterSubject: "D.x"}))
}

// over gives each promise a stream of its own.
func over(s *natstest.Server, o Options) receivertest.Harness {
	var made atomic.Int32
	return receivertest.Harness{
		Lease: conformanceLease,
		Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
			t.Helper()
			name := fmt.Sprint("S", made.Add(1))
			s.Stream(t, name)
			s.Consumer(t, name, "c", func(c *jetstream.ConsumerConfig) { c.AckWait = conformanceLease })
			o := o
			o.Stream = name
			r, _ := receiverOn(t, s, o)
			must(t, r.Open(t.Context()))
			return r, source{s, name}
		},
	}
}

type source struct {
	server *natstest.Server
	stream string
}

func (s source) Put(t *testing.T, p receivertest.Put) {
	t.Helper()
	headers := nats.Header{}
	if p.Group != "" {
		headers.Set("Carrier-Group-Id", p.Group)
	}
	s.server.Publish(t, s.stream+".x", p.Body, headers)
}

func (s source) Left(t *testing.T) int { return s.server.Left(t, s.stream) }
