package test

import (
	"fmt"
	"strings"
	"testing"
)

// Section 4: what becomes of permanent failures.

func TestPermanentFailureBecomesWhatTheRejectActionSays(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]struct{ left, dead int }{
		"": {1, 0}, "retry": {1, 0}, "drop": {0, 0}, "dead-letter": {0, 1},
	} {
		t.Run("action "+action, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, always(says(400)))
			b := prepare(t, ofSQS, w, env{"CARRIER_RETRY_INITIAL_INTERVAL": "11h", "CARRIER_RETRY_MAX_INTERVAL": "11h"})
			if action != "" {
				b.env["CARRIER_REJECT_ACTION"] = action
			}
			dead := b.onSQS().deadLetters(100)
			b.start()
			b.awaitReady()
			b.put(testMessage{Body: "a"})
			until(t, "rejected", func() bool { return b.settled("rejected") == 1 })
			if got := b.source.left(b.program); got != want.left {
				t.Errorf("%d messages left, want %d", got, want.left)
			}
			if got := dead.Counts().All(); got != want.dead {
				t.Errorf("%d dead letters, want %d", got, want.dead)
			}
			b.stop()
		})
	}
}

func TestIngestKeepsItsDeadLettersAndRetriesWhereItIsTold(t *testing.T) {
	t.Parallel()
	for action, posts := range map[string]int{"": 1, "dead-letter": 1, "drop": 1, "retry": 2} {
		t.Run("action "+action, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, first(says(422)))
			e := env{}
			if action != "" {
				e["CARRIER_REJECT_ACTION"] = action
			}
			b := newBench(t, ofIngest, w, e)
			b.put(testMessage{Body: "a"})
			w.await(posts)
			b.awaitEmpty()
			if got := b.settled("rejected"); got != 1 {
				t.Errorf("%d rejected, want 1", got)
			}
			b.stop()
			if len(w.got()) != posts {
				t.Errorf("%d posts, want %d", len(w.got()), posts)
			}
		})
	}
}

// TestAWrongPathBuriesNothingOnIngest is the first hour of many: the worker does not know the path.
func TestAWrongPathBuriesNothingOnIngest(t *testing.T) {
	t.Parallel()
	w := newWorker(t, first(says(404)))
	b := newBench(t, ofIngest, w, env{"CARRIER_RETRY_INITIAL_INTERVAL": "10ms"})
	b.put(testMessage{Body: "a"})
	w.await(2)
	b.awaitEmpty()
	if failed, rejected := b.settled("failed"), b.settled("rejected"); failed != 1 || rejected != 0 {
		t.Errorf("%d failed and %d rejected, want 1 and 0", failed, rejected)
	}
	warnings := 0
	for _, l := range b.log() {
		if strings.Contains(l.text("msg"), "does CARRIER_WEBHOOK_ENDPOINT have the right path?") {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings about the path, want 1", warnings)
	}
	b.stop()
}

// TestADeferralEndsWithTheTimeout is a worker that puts everything off for longer than anybody waits.
func TestADeferralEndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		w := by.newWorker(t, always(says(503, "Retry-After: 1800000000")))
		b := prepare(t, kind, w, env{
			"CARRIER_REJECT_ACTION": "drop", "CARRIER_MESSAGE_TIMEOUT": "2s", "CARRIER_SQS_WAIT_TIME": "1s",
		})
		b.start()
		b.awaitReady()
		id := b.put(testMessage{Body: "a"})
		b.awaitEmpty()
		if posts := len(w.of(id)); posts != 1 || b.settled("deferred") != 1 || b.settled("rejected") != 1 {
			t.Errorf("%d posts, %v deferred, %v rejected; want one of each", posts, b.settled("deferred"), b.settled("rejected"))
		}
		b.stop()
	})
}

func TestMaxAttemptsRejectsAMessageThatKeepsFailing(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, always(says(500)))
		b := prepare(t, ofSQS, w, env{"CARRIER_RETRY_MAX_ATTEMPTS": "2", "CARRIER_REJECT_ACTION": "dead-letter", "CARRIER_SQS_WAIT_TIME": "1s"})
		dead := b.onSQS().deadLetters(100)
		b.start()
		b.awaitReady()
		attributes := map[string]string{"Kind": "order"}
		b.put(testMessage{Body: "a", Attributes: attributes})
		until(t, "a dead letter", func() bool { return dead.Counts().All() == 1 && b.source.left(b.program) == 0 })
		m := dead.Peek()[0]
		for name, want := range map[string]string{"Kind": "order", "Carrier.Status": "500", "Carrier.Attempts": "2"} {
			if got := m.Attributes[name].StringValue; got != want {
				t.Errorf("the dead letter's %s is %q, want %q", name, got, want)
			}
		}
		if !strings.Contains(m.Attributes["Carrier.Reason"].StringValue, "500") {
			t.Errorf("the reason is %q", m.Attributes["Carrier.Reason"].StringValue)
		}
		b.stop()
		if n := len(w.got()); n != 2 {
			t.Errorf("%d posts, want 2", n)
		}
	})
}

func TestDeadLetterKeepsTenAttributesOfItsOwnBeforeOurs(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(400)))
	b := prepare(t, ofSQS, w, env{"CARRIER_REJECT_ACTION": "dead-letter"})
	dead := b.onSQS().deadLetters(100)
	b.start()
	b.awaitReady()
	ten := map[string]string{}
	for i := range 10 {
		ten[fmt.Sprint("A", i)] = "v"
	}
	b.put(testMessage{Body: "a", Attributes: ten})
	until(t, "a dead letter", func() bool { return dead.Counts().All() == 1 })
	for name := range ten {
		if _, there := dead.Peek()[0].Attributes[name]; !there {
			t.Errorf("attribute %s is gone", name)
		}
	}
	b.stop()
}

func TestWorkersWishForADeadLetterWithNowhereToSendItIsARetry(t *testing.T) {
	t.Parallel()
	onEveryWay(t, func(t *testing.T, by way) {
		w := by.newWorker(t, first(says(200, "X-Carrier-Action: dead-letter")))
		b := newBench(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "1s"})
		id := b.put(testMessage{Body: "a"})
		w.await(2)
		b.awaitEmpty()
		warned := false
		for _, l := range b.log() {
			warned = warned || l.text("level") == "warn" && l.text("message_id") == id
		}
		if !warned {
			t.Error("nothing was warned about")
		}
		b.stop()
	})
}

func TestConfiguredDeadLetterQueueIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(404)))
	b := prepare(t, ofSQS, w, env{"CARRIER_REJECT_ACTION": "dead-letter"})
	other, err := b.onSQS().server.CreateQueue("graves", nil)
	must(t, err)
	b.env["CARRIER_DEAD_LETTER_QUEUE_URL"] = other.URL(b.onSQS().endpoint)
	b.start()
	b.awaitReady()
	b.put(testMessage{Body: "a"})
	until(t, "the dead letter", func() bool { return other.Counts().All() == 1 })
	b.awaitEmpty()
	b.stop()
}
