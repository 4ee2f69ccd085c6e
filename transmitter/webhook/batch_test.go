package webhook_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"carrier/message"
	"carrier/transmitter/webhook"
	"carrier/transmitter/webhook/format"
)

// threeMessages are a, b and c.
func threeMessages() []*message.Message {
	return []*message.Message{newMessage("a", "1"), newMessage("b", "2"), newMessage("c", "3")}
}

// TestAnswerToABatchSaysOfEachRecordWhatBecameOfIt posts three records in one request, and names those
// that count as delivered.
func TestAnswerToABatchSaysOfEachRecordWhatBecameOfIt(t *testing.T) {
	asJSON := func(body string) string {
		return fmt.Sprintf("200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	for name, c := range map[string]struct{ answer, delivered string }{
		"no body":              {"204 No Content\r\n\r\n", "abc"},
		"not declared JSON":    {"200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n{oh!", "abc"},
		"no failures":          {asJSON(`{"batchItemFailures":[]}`), "abc"},
		"one failure":          {asJSON(`{"batchItemFailures":[{"itemIdentifier":"b"}]}`), "ac"},
		"the first and last":   {asJSON(`{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"}]}`), "b"},
		"a record of no batch": {asJSON(`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}`), ""},
		"broken JSON":          {asJSON(`{"batchItemFailures":[{"itemId`), ""},
		"500":                  {"500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, e := listenTCP(t, func(w *rawWorker, conn net.Conn) { answeringOnce("HTTP/1.1 "+c.answer)(w, conn) })
			outcomes := open(t, webhook.Options{Endpoint: e, Format: format.Lambda}).TransmitBatch(t.Context(), threeMessages())
			delivered := ""
			for i, o := range outcomes {
				if o.Verdict == message.Delivered {
					delivered += string("abc"[i])
				} else if o.Verdict != message.Retry || o.Cause != message.Failed {
					t.Errorf("%c: outcome %+v", "abc"[i], o)
				}
				if o.Along != (i > 0) || o.Code == "" {
					t.Errorf("%c: an attempt that is told of as %+v", "abc"[i], o)
				}
			}
			if delivered != c.delivered {
				t.Errorf("%q are delivered, want %q", delivered, c.delivered)
			}
			if n := w.requests.Load(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

func TestABatchIsOneEventAndSignedAsItsFirst(t *testing.T) {
	e, got := recording(t)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	tr := open(t, webhook.Options{Endpoint: e, Format: format.Lambda, Signing: webhook.Signing{Keys: secret}})
	for _, o := range tr.TransmitBatch(t.Context(), threeMessages()) {
		if o.Verdict != message.Delivered {
			t.Errorf("outcome %+v", o)
		}
	}
	r := <-got
	var event struct {
		Records []struct {
			MessageID string `json:"messageId"`
			Body      string `json:"body"`
		}
	}
	if err := json.Unmarshal(r.body, &event); err != nil || len(event.Records) != 3 {
		t.Fatalf("event %s, %v", r.body, err)
	}
	var ids []string
	for _, record := range event.Records {
		ids = append(ids, record.MessageID+record.Body)
	}
	if !slices.Equal(ids, []string{"a1", "b2", "c3"}) {
		t.Errorf("records %v", ids)
	}
	if id := r.header.Get("webhook-id"); id != "a" || !verifies(t, r, secret) {
		t.Errorf("signed as %q", id)
	}
}

// TestWhatDoesNotFitIntoOneEventIsLeftOut: three messages of 2.5 MB are more than an event may hold.
func TestWhatDoesNotFitIntoOneEventIsLeftOut(t *testing.T) {
	e, got := recording(t)
	batch := threeMessages()
	for _, m := range batch {
		m.Body = []byte(strings.Repeat("x", 2_500_000))
	}
	outcomes := open(t, webhook.Options{Endpoint: e, Format: format.Lambda}).TransmitBatch(t.Context(), batch)
	if r := <-got; r.method != http.MethodPost || len(r.body) > 6<<20 {
		t.Errorf("%s of %d bytes", r.method, len(r.body))
	}
	for i, o := range outcomes {
		left := o.Verdict == message.Retry && o.Cause == message.Returned && o.Code == ""
		if left != (i == 2) || !left && o.Verdict != message.Delivered {
			t.Errorf("message %d: outcome %+v", i, o)
		}
	}
}
