package test

import (
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"carrier/internal/testkit/programtest"
	"carrier/internal/testkit/sqstest"
)

// Section 13: later.

const saysLater = "X-Carrier-Action: later"

// A laterWorker settles messages by their tokens.
type laterWorker struct {
	t    *testing.T
	url  string // of the worker address
	says sync.WaitGroup
}

func newLaterWorker(t *testing.T) (*laterWorker, env) {
	t.Helper()
	address := programtest.FreeAddress(t)
	w := &laterWorker{t: t, url: "http://" + address}
	t.Cleanup(w.says.Wait)
	return w, env{"CARRIER_WORKER_ADDRESS": address}
}

// say gives a verdict, which has to be answered with status.
func (w *laterWorker) say(r request, verdict string, status int) {
	if got := call(w.t, http.MethodPost, w.url+"/v1/messages/"+r.header("X-Carrier-Token")+"/"+verdict); got.Status != status {
		w.t.Errorf("%s of %s: %d %s, want %d", verdict, r.Body, got.Status, got.Body, status)
	}
}

// later gives a verdict beside everything else.
func (w *laterWorker) later(r request, verdict string, status int) {
	w.says.Go(func() { w.say(r, verdict, status) })
}

// A laterCase is what the worker does at the first post of a message; at the second one it answers
// 200.
type laterCase struct {
	do      func(w *laterWorker, r request) answer
	outcome string // of the first post
	again   bool
}

func laterCases() map[string]laterCase {
	never := make(chan struct{})
	return map[string]laterCase{
		"ack": {func(w *laterWorker, r request) answer {
			w.later(r, "ack", 204)
			return says(202, saysLater, "X-Carrier-Hold: 1m")
		}, "delivered", false},
		"retry with a delay": {func(w *laterWorker, r request) answer {
			w.later(r, "retry?delay=1s", 204)
			return says(202, saysLater)
		}, "deferred", true},
		"dead-letter": {func(w *laterWorker, r request) answer {
			w.later(r, "dead-letter?reason=torn", 204)
			return says(200, saysLater)
		}, "rejected", false},
		"the hold ends": {func(*laterWorker, request) answer {
			return says(202, saysLater, "X-Carrier-Hold: 100ms")
		}, "failed", true},
		"ack before an answer that never comes": {func(w *laterWorker, r request) answer {
			w.later(r, "ack", 204)
			return held(says(500), never)
		}, "delivered", false},
		"ack before a failure": {func(w *laterWorker, r request) answer {
			w.say(r, "ack", 204)
			return says(500)
		}, "delivered", false},
		"extended during the post": {func(w *laterWorker, r request) answer {
			w.say(r, "extend?for=1m", 204)
			hold := make(chan struct{})
			time.AfterFunc(2500*time.Millisecond, func() { close(hold) })
			return held(says(200), hold)
		}, "delivered", false},
		"later with 500":       {func(*laterWorker, request) answer { return says(500, saysLater) }, "failed", true},
		"500, and no later":    {func(*laterWorker, request) answer { return says(500) }, "failed", true},
		"200 as it always was": {func(*laterWorker, request) answer { return says(200) }, "delivered", false},
		"an odd hold, then ack": {func(w *laterWorker, r request) answer {
			w.later(r, "ack", 204)
			return says(200, saysLater, "X-Carrier-Hold: soon")
		}, "delivered", false},
	}
}

// TestWorkersMayAnswerLater has one program post a message of each case.
func TestWorkersMayAnswerLater(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		cases := laterCases()
		w, e := newLaterWorker(t)
		posts := newWorker(t, func(_ int, r request) answer {
			if r.receiveCount() > 1 {
				return says(200)
			}
			return cases[r.Body].do(w, r)
		})
		b := prepare(t, kind, posts, e.with(env{
			"CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_WEBHOOK_REQUEST_TIMEOUT": "2s",
			"CARRIER_CONCURRENCY": "40", "CARRIER_SQS_WAIT_TIME": "1s", "CARRIER_DEFER_HOLD": "0s",
		}))
		var dead *sqstest.Queue
		if kind == ofSQS {
			dead = b.onSQS().deadLetters(100)
		}
		b.start()
		b.awaitReady()
		ids := map[string]string{}
		for name := range cases {
			ids[name] = b.put(testMessage{Body: name})
		}
		b.awaitEmpty()
		until(t, "every message settled", func() bool { return len(settledLines(b.program)) >= len(cases) })
		outcomes := settledLines(b.program)
		for name, want := range cases {
			n := 1
			if want.again {
				n++
			}
			if got := len(posts.of(ids[name])); got != n {
				t.Errorf("%s: posted %d times, want %d", name, got, n)
			}
			if got := outcomes[ids[name]]; got != want.outcome {
				t.Errorf("%s: the outcome is %q, want %q", name, got, want.outcome)
			}
			w.say(posts.of(ids[name])[0], "extend", map[bool]int{true: 410, false: 409}[want.outcome == "failed" || strings.HasPrefix(name, "200") || name == "extended during the post"])
		}
		if dead != nil && dead.Peek()[0].Attributes["Carrier.Reason"].StringValue != "torn" {
			t.Errorf("the dead letter has the attributes %v", dead.Peek()[0].Attributes)
		}
		for _, l := range b.logged("message delivered") {
			if l.text("message_id") == ids["ack"] && l.text("verdict") != "ack" {
				t.Errorf("the line of a late settlement: %v", l)
			}
		}
		for _, r := range posts.got() {
			if token := r.header("X-Carrier-Token"); len(token) != 32 || strings.Contains(b.stdout.String(), token) {
				t.Errorf("token %q of %q is no token, or is logged", token, r.Body)
			}
		}
		b.stop()
	})
}

func TestLaterWithoutAWorkerAddressIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorker(t, first(says(202, saysLater)))
	b := newBench(t, ofSQS, w, nil)
	b.put(testMessage{Body: "a"})
	w.await(2)
	b.awaitEmpty()
	if w.got()[0].has("X-Carrier-Token") {
		t.Error("a token although there is no worker address")
	}
	if l := b.awaitLog("has no token"); l.text("level") != "warn" {
		t.Errorf("line %v", l)
	}
	b.stop()
}

func TestWhatIsHeldIsWaitedForInADrain(t *testing.T) {
	onEverySource(t, func(t *testing.T, kind string) {
		w, e := newLaterWorker(t)
		posts := newWorker(t, always(says(202, saysLater, "X-Carrier-Hold: 1h")))
		b := newBench(t, kind, posts, e)
		b.put(testMessage{Body: "a"})
		posts.await(1)
		b.Signal(syscall.SIGTERM)
		b.awaitLog("stopping, no message")
		w.say(posts.got()[0], "ack", 204)
		if b.wait(); b.code != 0 {
			t.Errorf("ended with %d", b.code)
		}
		if l := b.logged("message delivered"); len(l) != 1 || l[0].text("verdict") != "ack" {
			t.Errorf("lines %v", l)
		}
	})
}

func TestWhatIsHeldGoesBackWhenTheDrainTimeIsOver(t *testing.T) {
	t.Parallel()
	_, e := newLaterWorker(t)
	posts := newWorker(t, always(says(202, saysLater, "X-Carrier-Hold: 1h")))
	b := newBench(t, ofSQS, posts, e.with(env{"CARRIER_DRAIN_TIMEOUT": "300ms"}))
	b.put(testMessage{Body: "a"})
	posts.await(1)
	b.stop()
	if l := b.logged("message failed"); len(l) != 1 || l[0].text("verdict") != "none" {
		t.Errorf("lines %v", l)
	}
	q := b.onSQS().queue
	until(t, "it is visible", func() bool { return q.Counts().Visible == 1 })
}

func TestTokensEndWithTheProgram(t *testing.T) {
	t.Parallel()
	w, e := newLaterWorker(t)
	posts := newWorker(t, first(says(202, saysLater, "X-Carrier-Hold: 1h")))
	b := newBench(t, ofIngest, posts, e)
	b.put(testMessage{Body: "a"})
	posts.await(1)
	b.kill()
	b.start()
	b.awaitReady()
	w.say(posts.got()[0], "ack", 404)
	posts.await(2)
	b.awaitEmpty()
	b.stop()
}
