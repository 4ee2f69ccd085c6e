package pubsub

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"

	"carrier/internal/testkit/pubsubtest"
	"carrier/receiver"
	"carrier/receiver/receivertest"
)

const conformanceLease = 10 * time.Second

func TestSubscriptionKeepsThePromises(t *testing.T) {
	receivertest.Run(t, overFake(t, &pubsubpb.Subscription{}, Options{}))
}

func TestCountedSubscriptionKeepsThePromises(t *testing.T) {
	receivertest.Run(t, overFake(t, &pubsubpb.Subscription{
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: deadTopic, MaxDeliveryAttempts: 100},
	}, Options{}))
}

func TestOrderedSubscriptionKeepsThePromises(t *testing.T) {
	receivertest.Run(t, overFake(t, &pubsubpb.Subscription{EnableMessageOrdering: true}, Options{}))
}

func TestSubscriptionWithATopicForDeadLettersKeepsThePromises(t *testing.T) {
	receivertest.Run(t, overFake(t, &pubsubpb.Subscription{}, Options{DeadLetterTopic: "dead"}))
}

// overFake runs each promise in a bubble, over a fake of its own.
func overFake(t *testing.T, with *pubsubpb.Subscription, o Options) receivertest.Harness {
	t.Helper()
	var fake *pstest.Server
	ordered := with.GetEnableMessageOrdering()
	return receivertest.Harness{
		Lease:  conformanceLease,
		Groups: ordered,
		Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
			t.Helper()
			_, err := fake.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: deadTopic})
			must(t, err)
			b := benchOn(t, fake, o, with)
			must(t, b.Open(t.Context()))
			return b.Receiver, source{b.sub, ordered}
		},
		Run: func(t *testing.T, promise func(*testing.T)) {
			fake = pstest.NewServer()
			synctest.Test(t, promise)
			must(t, fake.Close())
		},
	}
}

// The promises, judged by a server that others have written for others.

func TestEmulatorsSubscriptionKeepsThePromises(t *testing.T) {
	t.Parallel()
	server := pubsubtest.NewEmulator(t)
	dead := server.Subscribe(t, "dead", nil)
	for name, ordered := range map[string]bool{"unordered": false, "ordered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receivertest.Run(t, overEmulator(server, ordered, dead.Name))
		})
	}
}

func overEmulator(server *pubsubtest.Server, ordered bool, dead string) receivertest.Harness {
	var made atomic.Int32
	return receivertest.Harness{
		Lease:  conformanceLease,
		Groups: ordered,
		Open: func(t *testing.T) (receiver.Receiver, receivertest.Source) {
			t.Helper()
			sub := server.Subscribe(t, fmt.Sprintf("s%d-%v", made.Add(1), ordered), &pubsubpb.Subscription{EnableMessageOrdering: ordered})
			r := New(Options{Subscription: sub.Name, Project: pubsubtest.Project, Endpoint: server.Endpoint, DeadLetterTopic: dead})
			t.Cleanup(func() { must(t, r.Close()) })
			must(t, r.Open(t.Context()))
			return r, source{sub, ordered}
		},
	}
}

type source struct {
	sub     *pubsubtest.Subscription
	ordered bool
}

func (s source) Put(t *testing.T, p receivertest.Put) {
	t.Helper()
	_, err := s.sub.Publish(&pubsubpb.PubsubMessage{Data: []byte(p.Body), OrderingKey: p.Group})
	must(t, err)
}

func (s source) Left(t *testing.T) int { return s.sub.Left(t, conformanceLease+2*time.Second) }
