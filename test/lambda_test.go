package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// Section 11: formats.

// TestWhatAFunctionListsAsFailedIsPostedAgain: of a batch the others leave the queue, each once.
func TestWhatAFunctionListsAsFailedIsPostedAgain(t *testing.T) {
	t.Parallel()
	failed := map[string]bool{}
	w := newWorker(t, func(_ int, r request) answer {
		var list []string
		for _, one := range lambdaRecords(r) {
			if one.Body == "bad" && !failed[one.MessageID] {
				failed[one.MessageID] = true
				list = append(list, fmt.Sprintf(`{"itemIdentifier":%q}`, one.MessageID))
			}
		}
		body := `{"batchItemFailures":[` + strings.Join(list, ",") + `]}`
		return answer{Wire: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)}
	})
	b := prepare(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "1", "CARRIER_WEBHOOK_FORMAT": "lambda", "CARRIER_WEBHOOK_BATCH_SIZE": "10"})
	b.putAll("a", "b", "bad", "c", "d", "e")
	b.start()
	b.awaitReady()
	b.awaitEmpty()
	b.stop()
	posts, most := map[string]int{}, 0
	for _, r := range w.got() {
		records := lambdaRecords(r)
		most = max(most, len(records))
		for _, one := range records {
			posts[one.Body]++
		}
	}
	if most < 2 || fmt.Sprint(posts) != "map[a:1 b:1 bad:2 c:1 d:1 e:1]" {
		t.Errorf("posted %v, %d at once", posts, most)
	}
}

// TestABacklogIsPostedInFullBatches: with one slot, each receive brings what fills it.
func TestABacklogIsPostedInFullBatches(t *testing.T) {
	t.Parallel()
	const messages, size = 100, 10
	w := newWorker(t, func(int, request) answer {
		works := make(chan struct{})
		time.AfterFunc(5*time.Millisecond, func() { close(works) })
		return held(says(200), works)
	})
	b := prepare(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "1", "CARRIER_WEBHOOK_FORMAT": "lambda", "CARRIER_WEBHOOK_BATCH_SIZE": fmt.Sprint(size)})
	for n := range messages {
		b.putAll(fmt.Sprint(n))
	}
	b.start()
	b.awaitEmpty()
	b.stop()
	if posts := len(w.got()); posts > messages/size+2 {
		t.Errorf("%d requests for %d messages, at most %d were wanted", posts, messages, messages/size+2)
	}
}

// TestABatchGoesOnToAFallbackThatTakesFewer: what it does not take with the first request it gets with
// the next ones, each message once.
func TestABatchGoesOnToAFallbackThatTakesFewer(t *testing.T) {
	t.Parallel()
	const messages, size = 25, 3
	all := make(chan struct{})
	own, backup := newWorker(t, always(held(says(500), all))), newWorker(t, always(says(200)))
	b := withFallback(t, ofSQS, own, backup, env{
		"CARRIER_CONCURRENCY":                           "1",
		"CARRIER_WEBHOOK_FORMAT":                        "lambda",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BATCH_SIZE":       "10",
		"CARRIER_ROUTE_BACKUP_WEBHOOK_BATCH_SIZE":       fmt.Sprint(size),
		"CARRIER_ROUTE_ORDERS_CHANNEL_TIMEOUT":          "1h",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_FAILURES": "1",
		"CARRIER_ROUTE_ORDERS_WEBHOOK_BREAKER_COOLDOWN": "1h",
	})
	b.awaitReady()
	for n := range messages {
		b.putAll(fmt.Sprint(n))
	}
	close(all)
	b.awaitEmpty()
	b.stop()
	posts, most := map[string]int{}, 0
	for _, r := range backup.got() {
		records := lambdaRecords(r)
		most = max(most, len(records))
		for _, one := range records {
			posts[one.Body]++
		}
	}
	if most != size || len(posts) != messages || slices.Max(slices.Collect(maps.Values(posts))) != 1 {
		t.Errorf("the fallback got %v, %d at once", posts, most)
	}
}

// A lambdaRecord is one message of an event.
type lambdaRecord struct{ MessageID, Body string }

// lambdaRecords are the messages of the event that r has.
func lambdaRecords(r request) []lambdaRecord {
	var event struct{ Records []lambdaRecord }
	_ = json.Unmarshal([]byte(r.Body), &event)
	return event.Records
}
