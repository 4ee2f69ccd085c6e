package test

import (
	"strconv"
	"testing"
	"time"
)

// Section 11: rate, breaker and timeouts, and how they go together.

// TestTheRateIsWaitedForBeforeReceiving: of a queue with more messages than the rate allows at once
// the others are not received.
func TestTheRateIsWaitedForBeforeReceiving(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, env{"CARRIER_WEBHOOK_RATE_LIMIT": "1/h", "CARRIER_WEBHOOK_RATE_BURST": "3"})
	b.putAll("a", "b", "c", "d", "e", "f")
	w.await(3)
	until(t, "three left that nobody has received", func() bool { return b.source.left(b.program) == 3 })
	if n := b.metric("carrier_messages_received_total"); n != 3 || len(w.got()) != 3 {
		t.Errorf("%v received, %d posted; want 3 an hour", n, len(w.got()))
	}
	b.stop()
}

// TestAnOpenBreakerLetsNothingBePosted: one line says so, and the metric.
func TestAnOpenBreakerLetsNothingBePosted(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(500)))
	b := newBench(t, ofSQS, w, env{
		"CARRIER_CONCURRENCY":              "1",
		"CARRIER_WEBHOOK_BREAKER_FAILURES": "3",
		"CARRIER_WEBHOOK_BREAKER_COOLDOWN": "1h",
	})
	b.putAll("a", "b", "c", "d", "e", "f")
	b.awaitLog("breaker open")
	before := b.metric("carrier_messages_received_total")
	until(t, "failed messages are in the queue again", func() bool { return b.settled("failed") == 3 })
	if n := b.metric("carrier_breaker_open"); n != 1 {
		t.Errorf("carrier_breaker_open is %v", n)
	}
	if n := b.metric("carrier_messages_received_total"); n > before+1 || len(w.got()) != 3 || b.source.left(b.program) != 6 {
		t.Errorf("%v received and %d posted, want %v and 3; %d left", n, len(w.got()), before, b.source.left(b.program))
	}
	b.stop()
	if opened := b.logged("breaker open"); len(opened) != 1 || opened[0].text("endpoint") != w.endpoint()+"/" {
		t.Errorf("logged %v", opened)
	}
}

// TestAProbeThatSucceedsClosesTheBreaker: one message at a time is a probe until then.
func TestAProbeThatSucceedsClosesTheBreaker(t *testing.T) {
	t.Parallel()
	w := newWorker(t, func(n int, _ request) answer {
		if n <= 8 {
			return says(500)
		}
		return says(200)
	})
	b := newBench(t, ofSQS, w, env{
		"CARRIER_CONCURRENCY":              "1",
		"CARRIER_WEBHOOK_BREAKER_FAILURES": "3",
		"CARRIER_WEBHOOK_BREAKER_COOLDOWN": "100ms",
		"CARRIER_RETRY_MAX_INTERVAL":       "50ms",
	})
	b.putAll("a", "b", "c", "d", "e", "f")
	w.await(14)
	b.awaitEmpty()
	if n := b.metric("carrier_breaker_open"); n != 0 {
		t.Errorf("carrier_breaker_open is %v", n)
	}
	b.stop()
	if opened, closed := b.logged("breaker open"), b.logged("breaker closed"); len(opened) != 1 || len(closed) != 1 {
		t.Errorf("logged %v and %v", opened, closed)
	}
}

// TestAnEndpointWithAnOpenBreakerIsPassedOver: the next endpoint gets the messages, and the first gets
// probes alone.
func TestAnEndpointWithAnOpenBreakerIsPassedOver(t *testing.T) {
	t.Parallel()
	first, second := newWorker(t, always(says(500))), newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, first, env{
		"CARRIER_WEBHOOK_ENDPOINT":         first.endpoint() + "," + second.endpoint(),
		"CARRIER_CONCURRENCY":              "1",
		"CARRIER_WEBHOOK_BREAKER_FAILURES": "2",
		"CARRIER_WEBHOOK_BREAKER_COOLDOWN": "1h",
	})
	b.putAll("a", "b", "c", "d", "e")
	second.await(5)
	b.awaitEmpty()
	if n := len(first.got()); n != 2 {
		t.Errorf("the first endpoint got %d posts, want 2", n)
	}
	open := b.metric("carrier_breaker_open", `endpoint="`+first.endpoint()+`/"`)
	if closed := b.metric("carrier_breaker_open", `endpoint="`+second.endpoint()+`/"`); open != 1 || closed != 0 {
		t.Errorf("carrier_breaker_open is %v and %v", open, closed)
	}
	b.stop()
}

// TestEachRouteHasItsOwnPolicies: what one route does not take is no matter of the other.
func TestEachRouteHasItsOwnPolicies(t *testing.T) {
	t.Parallel()
	mail, orders := newWorker(t, always(says(404))), newWorker(t, always(says(404)))
	p := newPair(t, mail, orders, env{
		"CARRIER_ROUTE_MAIL_WEBHOOK_PERMANENT_STATUS":   "400",
		"CARRIER_ROUTE_MAIL_WEBHOOK_RATE_LIMIT":         "1/h",
		"CARRIER_ROUTE_ORDERS_REJECT_ACTION":            "drop",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_FAILURES": "0",
	})
	p.start(t)
	p.awaitReady()
	for range 3 {
		p.mail.put(testMessage{Body: "m"})
		p.orders.put(testMessage{Body: "o"})
	}
	orders.await(3)
	mail.await(1)
	until(t, "orders is empty", func() bool { return p.orders.left(nil) == 0 })
	if n := p.mail.left(nil); n != 3 || len(mail.got()) != 1 {
		t.Errorf("%d left in mail's queue after %d posts, want 3 after 1", n, len(mail.got()))
	}
	if p.metric("carrier_breaker_open", `route="orders"`) != 0 || len(p.metrics()) == 0 {
		t.Error("orders has an open breaker")
	}
	p.stop()
}

// TestTheMessagesOwnTimeoutIsItsDeadline: the worker is told of it, and it is given up then.
func TestTheMessagesOwnTimeoutIsItsDeadline(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(500)))
	b := newBench(t, ofIngest, w, env{"CARRIER_WEBHOOK_BREAKER_FAILURES": "0"})
	before := time.Now()
	id := stored(t, send(t, "POST", b.onIngest().url()+"/", "otp", "X-Carrier-Message-Timeout", "3s"))
	after := time.Now()
	r := w.await(1)[0]
	deadline, err := strconv.ParseInt(r.header("X-Carrier-Deadline"), 10, 64)
	if least, most := before.Add(3*time.Second).Unix(), after.Add(3*time.Second).Unix(); err != nil || r.id() != id || deadline < least || deadline > most {
		t.Errorf("the deadline is %d, want %d to %d", deadline, least, most)
	}
	until(t, "it is rejected", func() bool { return b.settled("rejected") == 1 })
	b.stop()
}
