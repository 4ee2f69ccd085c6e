package sqs

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/testkit/sqstest"
	"carrier/receiver"
	"carrier/receiver/receivertest"
)

const conformanceLease = 2 * time.Second

func TestStandardQueueKeepsThePromises(t *testing.T) {
	receivertest.Run(t, overFake("q"))
}

func TestFIFOQueueKeepsThePromises(t *testing.T) {
	h := overFake("q.fifo")
	h.Groups = true
	receivertest.Run(t, h)
}

func overFake(name string) receivertest.Harness {
	return receivertest.Harness{
		Lease: conformanceLease,
		Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
			b := benchOn(t, sqstest.New(sqstest.Options{}), Options{
				QueueName: name, VisibilityTimeout: conformanceLease, WaitTime: time.Second,
			})
			return b.Receiver, fakeSource{b.queue}
		},
		Run: func(t *testing.T, promise func(*testing.T)) { synctest.Test(t, promise) },
	}
}

type fakeSource struct{ queue *sqstest.Queue }

func (s fakeSource) Put(t *testing.T, p receivertest.Put) {
	t.Helper()
	l := sqstest.Message{Body: p.Body, Group: p.Group, Delay: p.Delay}
	if s.queue.Name() == "q.fifo" {
		l.Dedup = fmt.Sprintf("%x", p.Body)
		if l.Group == "" {
			l.Group = l.Dedup // a group of its own
		}
	}
	_, err := s.queue.Send(l)
	must(t, err)
}

func (s fakeSource) Left(*testing.T) int { return s.queue.Counts().All() }
