package test

import (
	"testing"
	"time"
)

// Section 13: later, and what decides over messages.

// TestWhatIsHeldKeepsItsLease holds a message over more than two leases.
func TestWhatIsHeldKeepsItsLease(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		w, e := newLaterWorker(t)
		posts := newWorker(t, always(says(202, saysLater, "X-Carrier-Hold: 1h")))
		b := newBench(t, kind, posts, e.with(env{
			"CARRIER_SQS_VISIBILITY_TIMEOUT": "1s", "CARRIER_INGEST_LEASE": "1s", "CARRIER_SQS_WAIT_TIME": "1s",
		}))
		id := b.put(testMessage{Body: "a"})
		posts.await(1)
		begun := time.Now()
		until(t, "two leases to pass", func() bool { return time.Since(begun) > 2200*time.Millisecond })
		w.say(posts.got()[0], "ack", 204)
		b.awaitEmpty()
		if n := b.metric("carrier_leases_lost_total"); n != 0 {
			t.Errorf("%v leases were lost", n)
		}
		b.stop()
		onePostEach(t, posts, []string{id})
	})
}

// TestTokensAreOfOneEndpointEach has the first of two endpoints fail, and the second one answer later.
func TestTokensAreOfOneEndpointEach(t *testing.T) {
	t.Parallel()
	w, e := newLaterWorker(t)
	one := newWorker(t, always(says(500)))
	two := newWorker(t, first(says(202, saysLater, "X-Carrier-Hold: 1h")))
	b := newBench(t, ofSQS, one, e.with(env{"CARRIER_WEBHOOK_ENDPOINT": one.endpoint() + "," + two.endpoint()}))
	id := b.put(testMessage{Body: "a"})
	posted := two.await(1)[0]
	w.say(one.got()[0], "ack", 410)
	w.say(posted, "ack", 204)
	b.awaitEmpty()
	b.stop()
	if len(one.of(id)) != 1 || len(two.of(id)) != 1 {
		t.Errorf("posted %d and %d times", len(one.of(id)), len(two.of(id)))
	}
}

// TestFallbacksMayAnswerLater has the end of a fallback answer later; its verdict is the message's.
func TestFallbacksMayAnswerLater(t *testing.T) {
	t.Parallel()
	w, e := newLaterWorker(t)
	own, backup := newWorker(t, always(says(500))), newWorker(t, always(says(202, saysLater, "X-Carrier-Hold: 1h")))
	b := withFallback(t, ofSQS, own, backup, e.with(env{
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_FAILURES": "1",
	}))
	b.awaitReady()
	b.put(testMessage{Body: "a"})
	w.say(backup.await(1)[0], "ack", 204)
	until(t, "the delivery is counted", func() bool { return b.settled("delivered") == 1 })
	b.stop()
}

// TestLaterClosesABreakerAtOnce has the probe of an open breaker answered later: messages go on while
// it is held.
func TestLaterClosesABreakerAtOnce(t *testing.T) {
	t.Parallel()
	w, e := newLaterWorker(t)
	posts := newWorker(t, first(says(500), says(202, saysLater, "X-Carrier-Hold: 1h")))
	b := newBench(t, ofSQS, posts, e.with(env{
		"CARRIER_WEBHOOK_BREAKER_FAILURES": "1", "CARRIER_WEBHOOK_BREAKER_COOLDOWN": "100ms", "CARRIER_SQS_WAIT_TIME": "1s",
	}))
	b.put(testMessage{Body: "a"})
	held := posts.await(2)[1]
	b.awaitLog("breaker closed")
	b.put(testMessage{Body: "b"})
	posts.await(3)
	w.say(held, "ack", 204)
	b.awaitEmpty()
	b.stop()
}
