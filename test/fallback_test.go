package test

import (
	"net/http"
	"strings"
	"testing"

	"carrier/internal/testkit/programtest"
)

// Section 11: channel failover.

// withFallback is the route orders before these workers: its own, and that of the route backup.
func withFallback(t *testing.T, kind string, own, backup *worker, more env) *bench {
	t.Helper()
	b := prepare(t, kind, own, env{
		"CARRIER_ROUTES":                          "orders,backup",
		"CARRIER_WEBHOOK_ENDPOINT":                "",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_ENDPOINT":   own.endpoint(),
		"CARRIER_ROUTE_BACKUP_WEBHOOK_ENDPOINT":   backup.endpoint(),
		"CARRIER_ROUTE_ORDERS_WEBHOOK_HEADERS":    "X-Of:orders",
		"CARRIER_ROUTE_BACKUP_WEBHOOK_HEADERS":    "X-Of:backup",
		"CARRIER_ROUTE_ORDERS_FALLBACK":           "backup",
		"CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT":    "2s",
		"CARRIER_ROUTE_ORDERS_RETRY_MAX_INTERVAL": "100ms",
		"CARRIER_ROUTE_ORDERS_RETRY_MAX_ATTEMPTS": "0",
		"CARRIER_ROUTE_ORDERS_READINESS":          "false",
		"CARRIER_ROUTE_BACKUP_RECEIVER":           "ingest",
		"CARRIER_ADMIN_TOKEN":                     adminToken,
	}.with(more))
	b.start()
	return b
}

const adminToken = "token-of-the-test"

// TestAMessageGoesOnToTheFallbackWhenItsTimeIsOver: it is posted to the route's own worker until
// CARRIER_CHANNEL_TIMEOUT after its first receive, in a second run too, and then to the fallback. It
// is counted as the route's that received it.
func TestAMessageGoesOnToTheFallbackWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		own, backup := newWorker(t, always(says(500))), newWorker(t, always(says(200)))
		b := withFallback(t, kind, own, backup, env{"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_FAILURES": "0"})
		b.awaitReady()
		id := b.put(testMessage{Body: "a"})
		own.await(2)
		b.stop()
		before := len(own.got())
		b.start()
		r := backup.await(1)[0]
		if r.header("X-Carrier-Channel") != "backup" || r.header("X-Of") != "backup" || r.id() != id || len(own.got()) < before {
			t.Errorf("the fallback got %s with the headers %q and %q", r.id(), r.header("X-Carrier-Channel"), r.header("X-Of"))
		}
		for _, r := range own.got() {
			if r.header("X-Carrier-Channel") != "" || r.header("X-Of") != "orders" {
				t.Errorf("the route's own worker got the header %q", r.header("X-Carrier-Channel"))
			}
		}
		until(t, "the delivery is counted", func() bool { return b.settled("delivered") == 1 })
		if n := b.metric("carrier_attempts_total", `route="orders"`, `code="2xx"`); n != 1 {
			t.Errorf("%v deliveries are counted of the route that received", n)
		}
		for sample := range b.metrics() {
			if strings.Contains(sample, `route="backup"`) && !strings.HasPrefix(sample, "carrier_worker_up") && !strings.HasPrefix(sample, "carrier_breaker_open") {
				t.Errorf("the fallback has %s", sample)
			}
		}
		b.stop()
	})
}

func TestTheFallbackGetsAMessageEarlierWhileTheBreakersAreOpen(t *testing.T) {
	t.Parallel()
	own, backup := newWorker(t, always(says(500))), newWorker(t, always(says(200)))
	b := withFallback(t, ofSQS, own, backup, env{
		"CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT":          "1h",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_FAILURES": "2",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_COOLDOWN": "1h",
	})
	b.awaitReady()
	b.putAll("a", "b", "c", "d")
	backup.await(4)
	b.awaitEmpty()
	if n := b.metric("carrier_breaker_open", `route="orders"`); n != 1 {
		t.Errorf("carrier_breaker_open is %v", n)
	}
	b.stop()
}

// TestAWorkerThatIsAwayForAWhileKeepsItsMessages: its breaker is not open.
func TestAWorkerThatIsAwayForAWhileKeepsItsMessages(t *testing.T) {
	t.Parallel()
	own, backup := absentWorker(t, always(says(200))), newWorker(t, always(says(200)))
	b := withFallback(t, ofSQS, own, backup, env{"CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT": "1h"})
	b.awaitReady()
	b.put(testMessage{Body: "a"})
	b.awaitLog("worker does not take messages yet")
	own.listen()
	own.await(1)
	b.awaitEmpty()
	b.stop()
	if n := len(backup.got()); n != 0 {
		t.Errorf("the fallback got %d messages", n)
	}
}

// TestAWorkerThatIsAwayForLongIsPassedOver: messages need not have been received before.
func TestAWorkerThatIsAwayForLongIsPassedOver(t *testing.T) {
	t.Parallel()
	own, backup := absentWorker(t, always(says(200))), newWorker(t, always(says(200)))
	b := withFallback(t, ofSQS, own, backup, env{"CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT": "1s"})
	b.putAll("a", "b")
	backup.await(2)
	b.awaitEmpty()
	b.stop()
}

// TestPeopleAreToldOfAFallback: it is a route by its name everywhere, without a source.
func TestPeopleAreToldOfAFallback(t *testing.T) {
	t.Parallel()
	own, backup := newWorker(t, always(says(200))), absentWorker(t, always(says(200)))
	b := withFallback(t, ofIngest, own, backup, nil)
	b.awaitReady()
	b.awaitLog("fallback route starting")
	until(t, "the fallback is found offline", func() bool { return strings.Contains(b.ask("/readyz?route=backup").Body, "offline") })
	if r := b.ask("/readyz"); r.Status != http.StatusOK {
		t.Errorf("/readyz: %d %s", r.Status, r.Body)
	}
	state := call(t, "GET", "http://"+b.env["CARRIER_ADMIN_ADDRESS"]+"/v1/state", "Authorization", "Bearer "+adminToken).Body
	for _, want := range []string{`"fallback":["backup"]`, `"fallback_for":["orders"]`, `"name":"backup","receiver":"","source":"","state":"down"`} {
		if !strings.Contains(strings.ReplaceAll(state, " ", ""), want) {
			t.Errorf("no %s in %s", want, state)
		}
	}
	paused := call(t, "POST", "http://"+b.env["CARRIER_ADMIN_ADDRESS"]+"/v1/routes/backup/pause", "Authorization", "Bearer "+adminToken)
	if paused.Status != http.StatusConflict {
		t.Errorf("pausing the fallback: %d %s", paused.Status, paused.Body)
	}
	checked := run(t, b.env.with(env{"CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t)}), "check")
	out := checked.stdout.String()
	for _, want := range []string{"route orders: configuration: receiver ingest", "route backup: configuration: a fallback of orders", "fail  route backup: worker: "} {
		if !strings.Contains(out, want) {
			t.Errorf("check says nothing of %q:\n%s", want, out)
		}
	}
	b.stop()
}
