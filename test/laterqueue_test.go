package test

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/nats-io/nats.go/jetstream"

	"carrier/internal/testkit/natstest"
	"carrier/internal/testkit/pubsubtest"
)

// TestWhatIsHeldKeepsItsLeaseAtTheseQueuesToo holds a message over more than two leases, and has its
// verdict reach the queue: at first again, then done.
func TestWhatIsHeldKeepsItsLeaseAtTheseQueuesToo(t *testing.T) {
	const lease = time.Second
	for name, open := range map[string]func(t *testing.T) source{
		"Pub/Sub": func(t *testing.T) source {
			return newPubSubSource(t, pubsubtest.NewFake(t), "held", &pubsubpb.Subscription{AckDeadlineSeconds: int32(lease / time.Second)})
		},
		"NATS": func(t *testing.T) source {
			return newNATSSource(t, natstest.Start(t).Connect(t), "HELD", func(c *jetstream.ConsumerConfig) { c.AckWait = lease })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := newLaterWorker(t)
			posts := newWorker(t, always(says(202, saysLater, "X-Carrier-Hold: 1h")))
			b := prepareOn(t, open(t), posts, e)
			b.start()
			b.awaitReady()
			b.put(testMessage{Body: "a"})
			posts.await(1)
			begun := time.Now()
			until(t, "two leases to pass", func() bool { return time.Since(begun) > 2*lease+lease/5 })
			w.say(posts.got()[0], "retry", 204)
			w.say(posts.await(2)[1], "ack", 204)
			b.awaitEmpty()
			if n := b.metric("carrier_leases_lost_total"); n != 0 {
				t.Errorf("%v leases were lost", n)
			}
			if n := b.metric("carrier_lease_extensions_total", `result="ok"`); n < 2 {
				t.Errorf("%v renewals", n)
			}
			b.stop()
			got := posts.got()
			if len(got) != 2 || got[1].receiveCount() != 2 {
				t.Errorf("%d posts, the last one of receive %d", len(got), got[len(got)-1].receiveCount())
			}
		})
	}
}
