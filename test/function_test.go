package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"testing"
)

// Section 13: Lambda's runtime API.

const functionPath = "/2018-06-01/runtime/invocation/"

// An invocation is what a function has been given.
type invocation struct {
	path    string
	Records []struct{ MessageID, Body string }
}

// invoke takes one invocation.
func (c *consumer) invoke() (i invocation) {
	c.t.Helper()
	r := call(c.t, http.MethodGet, c.url+functionPath+"next")
	if err := json.Unmarshal([]byte(r.Body), &i); err != nil || r.Status != http.StatusOK {
		c.t.Fatalf("next: %d %s: %v", r.Status, r.Body, err)
	}
	i.path = functionPath + r.Header.Get("Lambda-Runtime-Aws-Request-Id")
	return i
}

// answer answers an invocation with 202.
func (c *consumer) answer(i invocation, word, body string) {
	c.t.Helper()
	if r := send(c.t, http.MethodPost, c.url+i.path+"/"+word, body, "Content-Type", "application/json"); r.Status != http.StatusAccepted {
		c.t.Errorf("%s: %d %s", word, r.Status, r.Body)
	}
}

// TestFunctionTakesEachMessageUntilItIsDone: b fails by its record, and then by an error.
func TestFunctionTakesEachMessageUntilItIsDone(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		c := newConsumer(t, kind, env{"CARRIER_WEBHOOK_BATCH_SIZE": "3", "CARRIER_RETRY_INITIAL_INTERVAL": "10ms"})
		c.putAll("a", "b", "c", "d")
		taken, most := map[string]int{}, 0
		for done := 0; done < 4; {
			i := c.invoke()
			most = max(most, len(i.Records))
			word, body := "response", `{"batchItemFailures":[]}`
			for _, r := range i.Records {
				taken[r.Body]++
				switch {
				case r.Body == "b" && taken["b"] == 1:
					body = fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, r.MessageID)
				case r.Body == "b" && taken["b"] == 2 && len(i.Records) == 1:
					word, body = "error", `{"errorType":"Oops","errorMessage":"no luck"}`
				default:
					done++
				}
			}
			c.answer(i, word, body)
		}
		if most < 2 || most > 3 || taken["a"] != 1 || taken["c"] != 1 || taken["d"] != 1 || taken["b"] < 2 {
			t.Errorf("taken %v, %d at once", taken, most)
		}
		c.awaitEmpty()
		c.stop()
	})
}

// A runtime ends with an error at any answer but an event: none comes before carrier ends.
func TestFunctionsWaitThroughADrain(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		c := newConsumer(t, kind, nil)
		c.put(testMessage{Body: "a"})
		working := c.invoke()
		waiting := make(chan reply, 1)
		go func() { waiting <- call(t, http.MethodGet, c.url+functionPath+"next") }()
		c.Signal(syscall.SIGTERM)
		if r := call(t, http.MethodGet, c.url+"/v1/next?wait=60s"); r.Status != http.StatusServiceUnavailable {
			t.Errorf("another consumer is answered %d", r.Status) // which shows that it drains
		}
		if len(waiting) != 0 {
			t.Errorf("a function that waits is answered %+v", <-waiting)
		}
		c.answer(working, "response", "null")
		if c.wait(); c.code != 0 {
			t.Errorf("ended with %d", c.code)
		}
		if r := <-waiting; r.Status != http.StatusInternalServerError {
			t.Errorf("a function that waits is answered %d %s", r.Status, r.Body)
		}
	})
}
