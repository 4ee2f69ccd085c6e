package test

import (
	"net/http"
	"testing"
)

// Sections 2 and 9: a worker that says it is not well.

func TestHealthCheckGatesTheStart(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	w.feel(always503)
	b := prepare(t, ofSQS, w, healthChecked(w))
	b.put(testMessage{Body: "a"})
	b.start()
	until(t, "several checks", func() bool { return w.checked() >= 3 })
	if n := b.onSQS().server.Calls("ReceiveMessage"); n != 0 || len(w.got()) != 0 {
		t.Errorf("%d receives, %d posts before the worker was healthy", n, len(w.got()))
	}
	if r := b.ask("/readyz"); r.Status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d", r.Status)
	}
	w.feel(func(int) answer { return says(204) })
	w.await(1)
	b.awaitReady()
	b.awaitEmpty()
	b.stop()
}

func TestNothingIsReceivedWhileTheWorkerIsOffline(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, healthChecked(w).with(env{"CARRIER_SQS_WAIT_TIME": "1s"}))
	b.put(testMessage{Body: "a"})
	w.await(1)
	w.feel(func(int) answer { return says(302, "Location: /well") }) // a redirect is not healthy
	b.awaitLog("worker does not take messages")
	until(t, "no receive open", func() bool { return b.onSQS().server.Open("ReceiveMessage") == 0 })
	before := b.onSQS().server.Calls("ReceiveMessage")
	b.put(testMessage{Body: "b"})
	checks := w.checked()
	until(t, "more checks", func() bool { return w.checked() >= checks+2 })
	if n := b.onSQS().server.Calls("ReceiveMessage"); n != before || len(w.got()) != 1 {
		t.Errorf("%d receives while the worker was offline, %d posts", n-before, len(w.got()))
	}
	if b.metric("carrier_worker_up") != 0 {
		t.Error("carrier_worker_up is not 0")
	}
	w.feel(func(int) answer { return says(200) })
	w.await(2)
	b.awaitEmpty()
	b.stop()
}

func TestFewFailedChecksDoNotMakeAWorkerOffline(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	// One in two fails: there are never two in a row.
	w.feel(func(n int) answer {
		if n%2 == 0 {
			return says(500)
		}
		return says(200)
	})
	b := newBench(t, ofIngest, w, healthChecked(w))
	before := len(b.logged("worker does not take messages"))
	until(t, "many checks", func() bool { return w.checked() >= 20 })
	if n := len(b.logged("worker does not take messages")) - before; n != 0 {
		t.Errorf("the worker was called offline %d times", n)
	}
	b.stop()
}

func TestHealthyWorkerIsNotCalledAwayAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, healthChecked(w))
	if lines := b.logged("worker does not take messages"); len(lines) != 0 {
		t.Errorf("logged %v", lines)
	}
	b.stop()
}

func always503(int) answer { return says(503) }

func healthChecked(w *worker) env {
	return env{
		"CARRIER_WEBHOOK_HEALTH_CHECK_ENDPOINT":   w.endpoint() + "/health",
		"CARRIER_WEBHOOK_HEALTH_CHECK_INTERVAL":   "20ms",
		"CARRIER_WEBHOOK_OFFLINE_THRESHOLD_COUNT": "2",
	}
}
