package ingest

import (
	"strings"
	"testing"
)

func TestKeyBelongsToItsMethodAndPath(t *testing.T) {
	r := start(t, Options{})
	first := send(t, r, "POST", "/billing", "a", "webhook-id: msg_1").id(t)
	for name, c := range map[string]struct {
		method, target, body, header string
		status                       int
		same                         bool
	}{
		"again":                      {"POST", "/billing", "a", "webhook-id: msg_1", 200, true},
		"again, by the other header": {"POST", "/billing", "a", "Idempotency-Key: msg_1", 200, true},
		"again, with a query":        {"POST", "/billing?x=1", "a", "webhook-id: msg_1", 200, true},
		"on another path":            {"POST", "/crm", "a", "webhook-id: msg_1", 200, false},
		"by another method":          {"PUT", "/billing", "a", "webhook-id: msg_1", 200, false},
		"with another body":          {"POST", "/billing", "b", "webhook-id: msg_1", 422, false},
		"with another body, renamed": {"POST", "/billing", "", "Idempotency-Key: msg_1", 422, false},
		"another key":                {"POST", "/billing", "a", "webhook-id: msg_2", 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := r.QueueMessages()
			a := send(t, r, c.method, c.target, c.body, c.header)
			stored := 0
			if c.status != 200 {
				a.problem(t, c.status)
			} else if (a.id(t) == first) != c.same {
				t.Errorf("id = %s, the first one was %s", a.id(t), first)
			}
			if c.status == 200 && !c.same {
				stored = 1
			}
			if got := a.Header.Get("Idempotency-Replayed"); (got == "true") != c.same {
				t.Errorf("Idempotency-Replayed = %q", got)
			}
			wantStored(t, r, before+stored)
		})
	}
}

func TestKeyIsKnownWhileTheQueueIsFullAndAfterARestart(t *testing.T) {
	o := Options{DataDir: t.TempDir(), MaxMessages: 1}
	r := start(t, o)
	first := send(t, r, "POST", "/", "a", "Idempotency-Key: k").id(t)
	for range 2 {
		a := send(t, r, "POST", "/", "a", "Idempotency-Key: k")
		if a.id(t) != first || a.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("answer = %s %v, want that of the first", a.body, a.Header)
		}
		if detail := send(t, r, "POST", "/", "b", "Idempotency-Key: k").problem(t, 422); !strings.Contains(detail, "key") {
			t.Errorf("detail = %q", detail)
		}
		send(t, r, "POST", "/other", "a", "Idempotency-Key: k").problem(t, 503)
		wantStored(t, r, 1)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = start(t, o)
	}
}
