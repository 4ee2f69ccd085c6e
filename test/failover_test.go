package test

import "testing"

// Section 11: several endpoints.

func TestAMessageGoesOnToTheNextEndpointAndBack(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		first := newWorker(t, func(_ int, r request) answer {
			switch r.Body {
			case "fails":
				return says(500)
			case "never":
				return says(400)
			}
			return says(200)
		})
		second := newWorker(t, always(says(200)))
		b := newBench(t, kind, first, env{
			"CARRIER_WEBHOOK_ENDPOINT": first.endpoint() + "," + second.endpoint(),
			"CARRIER_REJECT_ACTION":    "drop",
		})
		b.put(testMessage{Body: "fails"})
		second.await(1)
		b.put(testMessage{Body: "never"})
		b.put(testMessage{Body: "good"})
		first.await(3)
		b.awaitEmpty()
		attempts := b.metric("carrier_attempts_total", `code="5xx"`) + b.metric("carrier_attempts_total", `code="4xx"`) + b.metric("carrier_attempts_total", `code="2xx"`)
		if posts := len(first.got()) + len(second.got()); int(attempts) != posts || posts != 4 {
			t.Errorf("%v attempts are counted of %d posts, want 4", attempts, posts)
		}
		b.stop()
		r := second.got()[0]
		if got := r.header("X-Carrier-Failover"); got != "1" || r.receiveCount() != 1 || r.Body != "fails" {
			t.Errorf("the second got %q with X-Carrier-Failover %q and receive count %d", r.Body, got, r.receiveCount())
		}
		for _, r := range first.got() {
			if r.header("X-Carrier-Failover") != "" {
				t.Errorf("the first got %s with X-Carrier-Failover", r.Body)
			}
		}
	})
}

func TestAnEndpointThatRefusesConnectionsIsPassedOver(t *testing.T) {
	t.Parallel()
	first, second := absentWorker(t, always(says(200))), newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, second, env{"CARRIER_WEBHOOK_ENDPOINT": first.endpoint() + "," + second.endpoint()})
	b.putAll("a", "b", "c")
	second.await(3)
	b.awaitEmpty()
	b.stop()
}
