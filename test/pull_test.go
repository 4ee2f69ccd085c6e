package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"carrier/internal/testkit/programtest"
)

// A consumer takes messages at the worker address.
type consumer struct {
	*bench
	url string
}

// newConsumer starts the program in front of consumers that ask.
func newConsumer(t *testing.T, kind string, e env) *consumer {
	t.Helper()
	address := programtest.FreeAddress(t)
	e = env{"CARRIER_TRANSMITTER": "pull", "CARRIER_WORKER_ADDRESS": address}.with(e)
	return &consumer{bench: newBench(t, kind, absentWorker(t, always(says(200))), e), url: "http://" + address}
}

// pulled is one message of an answer.
type pulled struct {
	Token, ID, Body string
	ReceiveCount    int
}

// pull takes up to n messages.
func (c *consumer) pull(n int) []pulled {
	c.t.Helper()
	r := send(c.t, http.MethodPost, c.url+"/v1/pull", fmt.Sprintf(`{"max":%d,"wait":"20s"}`, n))
	var answer struct{ Messages []pulled }
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != http.StatusOK {
		c.t.Fatalf("pull: %d %s: %v", r.Status, r.Body, err)
	}
	return answer.Messages
}

// say gives a verdict, which has to be answered with status.
func (c *consumer) say(token, verdict string, status int) {
	c.t.Helper()
	if r := call(c.t, http.MethodPost, c.url+"/v1/messages/"+token+"/"+verdict); r.Status != status {
		c.t.Errorf("%s: %d %s, want %d", verdict, r.Status, r.Body, status)
	}
}

func TestConsumersPullAndSettle(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		c := newConsumer(t, kind, nil)
		ids := c.putAll("a", "b", "c", "d", "e")
		taken := map[string]int{}
		for done := 0; done < len(ids); {
			for _, m := range c.pull(3) {
				if taken[m.Body]++; m.Body == "b" && m.ReceiveCount == 1 {
					c.say(m.Token, "retry", http.StatusNoContent)
					continue
				}
				c.say(m.Token, "extend?for=1m", http.StatusNoContent)
				c.say(m.Token, "ack", http.StatusNoContent)
				c.say(m.Token, "ack", http.StatusNoContent)
				c.say(m.Token, "retry", http.StatusConflict)
				done++
			}
		}
		if want := map[string]int{"a": 1, "b": 2, "c": 1, "d": 1, "e": 1}; fmt.Sprint(taken) != fmt.Sprint(want) {
			t.Errorf("taken %v, want %v", taken, want)
		}
		c.awaitEmpty()
		c.stop()
	})
}

// A consumer that asks for one message leases one, however many there are.
func TestNoMoreIsTakenFromTheQueueThanConsumersAskFor(t *testing.T) {
	t.Parallel()
	c := newConsumer(t, ofSQS, env{"CARRIER_CONCURRENCY": "50"})
	c.putAll("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
	r := call(t, http.MethodGet, c.url+"/v1/next?wait=20s")
	if r.Status != http.StatusOK || r.Header.Get("X-Carrier-Token") == "" || r.Header.Get("X-Carrier-Message-Id") == "" {
		t.Fatalf("next: %d %v", r.Status, r.Header)
	}
	for name, value := range c.metrics() {
		if strings.HasPrefix(name, "carrier_messages_received_total") && value != 1 {
			t.Errorf("%s %v for one that was asked for", name, value)
		}
	}
	c.say(r.Header.Get("X-Carrier-Token"), "ack", http.StatusNoContent)
	c.stop()
}

func TestWhatConsumersHoldGoesOnInADrain(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		c := newConsumer(t, kind, nil)
		c.put(testMessage{Body: "a"})
		held := c.pull(1)
		waiting := make(chan reply, 1)
		go func() { waiting <- call(t, http.MethodGet, c.url+"/v1/next?wait=60s") }()
		c.Signal(syscall.SIGTERM)
		if r := <-waiting; r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("next while draining: %d %s", r.Status, r.Body)
		}
		c.say(held[0].Token, "ack", http.StatusNoContent)
		if c.wait(); c.code != 0 {
			t.Errorf("ended with %d", c.code)
		}
	})
}

func TestKilledCarrierHandsMessagesToConsumersAgain(t *testing.T) {
	t.Parallel()
	c := newConsumer(t, ofIngest, nil)
	c.putAll("a", "b", "c")
	for _, m := range c.pull(1) {
		c.say(m.Token, "ack", http.StatusNoContent)
	}
	lost := c.pull(1)
	c.kill()
	c.start()
	c.awaitReady()
	c.say(lost[0].Token, "ack", http.StatusNotFound)
	for left := 2; left > 0; {
		for _, m := range c.pull(10) {
			c.say(m.Token, "ack", http.StatusNoContent)
			left--
		}
	}
	c.awaitEmpty()
	c.stop()
}

func TestASocketThatWasLeftBehindIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.sock")
	c := newConsumer(t, ofIngest, env{"CARRIER_WORKER_ADDRESS": "unix://" + path})
	second := run(t, c.env.with(env{"CARRIER_ADMIN_ADDRESS": programtest.FreeAddress(t)}))
	if second.code != 1 {
		t.Errorf("a second program at the same socket ended with %d, want 1", second.code)
	}
	c.kill()
	c.start()
	c.awaitReady()
	c.stop()
}
