package test

import (
	"net/http"
	"strings"
	"testing"
)

// Section 8: replay.

func TestReplayMakesTheProducersRequestAgain(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{
		"CARRIER_INGEST_REPLAY": "true", "CARRIER_INGEST_TOKEN": "door-token",
		"CARRIER_WEBHOOK_ENDPOINT": w.endpoint() + "/api",
	})
	url := b.onIngest().url()
	id := stored(t, send(t, http.MethodPut, url+"/orders/a%2Fb?x=1&y=%20", "body",
		"Authorization", "Bearer door-token", "Accept-Language", "de", "X-Request-Id", "r-1",
		"Idempotency-Key", "k", "Connection", "X-Hop", "X-Hop", "1", "Content-Type", "text/plain", "User-Agent", "producer/1", "User_agent", "other"))
	r := w.await(1)[0]
	if r.Method != http.MethodPut || r.Target != "/api/orders/a%2Fb?x=1&y=%20" || r.Body != "body" {
		t.Errorf("got %s %s %q", r.Method, r.Target, r.Body)
	}
	for name, want := range map[string]string{
		"Accept-Language": "de", "X-Request-Id": "r-1", "Content-Type": "text/plain", "X-Carrier-Message-Id": id, "Host": w.address,
		"User-Agent": "producer/1", "X-Forwarded-Host": b.onIngest().address,
	} {
		if got := r.header(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !r.has("Idempotency-Key") {
		t.Error("Idempotency-Key does not travel in replay")
	}
	for _, name := range []string{"Authorization", "X-Hop", "User_agent", "Connection", "Transfer-Encoding"} {
		if r.has(name) {
			t.Errorf("%s was replayed", name)
		}
	}
	b.awaitEmpty()
	b.stop()
	if n := len(w.got()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestReplayPassesOnACredentialThatIsNotCarriers(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_INGEST_REPLAY": "true"})
	stored(t, send(t, http.MethodDelete, b.onIngest().url()+"/x", "", "Authorization", "Bearer the-workers"))
	r := w.await(1)[0]
	if r.Method != http.MethodDelete || r.Target != "/x" || r.header("Authorization") != "Bearer the-workers" {
		t.Errorf("got %+v", r)
	}
	b.stop()
}

func TestReplayNeverClimbsOutOfTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_INGEST_REPLAY": "true", "CARRIER_WEBHOOK_ENDPOINT": w.endpoint() + "/api"})
	for _, path := range []string{"/../admin", "/%2e%2e/admin", "/x/..%2f../admin"} {
		_, _ = onTheWire(t, b.onIngest().address, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\na")
	}
	b.awaitEmpty()
	b.stop()
	for _, r := range w.got() {
		if !strings.HasPrefix(r.Target, "/api") || strings.Contains(r.Target, "admin") {
			t.Errorf("the worker got %s", r.Target)
		}
	}
}
