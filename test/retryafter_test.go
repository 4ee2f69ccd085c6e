package test

import (
	"net/http"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
)

// Section 4: Retry-After, and the age of messages.

func TestRetryAfterBecomesTheTimeTheMessageIsHidden(t *testing.T) {
	t.Parallel()
	const most = 12*60*60 - 60
	cases := map[string]struct {
		header      string
		least, most int
	}{
		"seconds":                  {"Retry-After: 600", 600, 600},
		"a date":                   {"Retry-After: " + time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat), 500, 600},
		"more than SQS allows":     {"Retry-After: 86400", most - 60, most},
		"the largest of 64 bits":   {"Retry-After: 9223372036854775807", most - 60, most},
		"a date in the far future": {"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", most - 60, most},
		"negative":                 {"Retry-After: -1", 0, 1},
		"no integer":               {"Retry-After: 1e3", 0, 1},
	}
	w := newWorker(t, func(_ int, r request) answer {
		if r.receiveCount() > 1 {
			return says(200)
		}
		return says(429, cases[r.Body].header)
	})
	b := newBench(t, ofSQS, w, nil)
	ids := map[string]string{}
	for name := range cases {
		ids[name] = b.put(testMessage{Body: name})
	}
	q := b.onSQS().queue
	for name, want := range cases {
		until(t, name+" is hidden", func() bool { return len(changesOf(q, ids[name])) > 0 })
		if got := changesOf(q, ids[name])[0].Seconds; got < want.least || got > want.most {
			t.Errorf("%s: hidden for %d s, want %d to %d", name, got, want.least, want.most)
		}
	}
	warned := map[string]bool{}
	until(t, "the warnings", func() bool {
		for _, l := range b.logged("Retry-After") {
			warned[l.text("message_id")] = l.text("level") == "warn"
		}
		return len(warned) >= 2
	})
	if !warned[ids["negative"]] || !warned[ids["no integer"]] || len(warned) != 2 {
		t.Errorf("warned about %v", warned)
	}
	b.stop()
}

func changesOf(q *sqstest.Queue, id string) []sqstest.VisibilityChange {
	var of []sqstest.VisibilityChange
	for _, c := range q.VisibilityChanges() {
		if c.MessageID == id {
			of = append(of, c)
		}
	}
	return of
}

func TestMessageOlderThanItsTimeoutIsRejectedUnposted(t *testing.T) {
	t.Parallel()
	onEverySourceAndWay(t, func(t *testing.T, kind string, by way) {
		w := by.newWorker(t, always(says(429, "Retry-After: 2")))
		b := newBench(t, kind, w, env{"CARRIER_MESSAGE_TIMEOUT": "1s", "CARRIER_REJECT_ACTION": "drop", "CARRIER_SQS_WAIT_TIME": "1s"})
		b.put(testMessage{Body: "a"})
		until(t, "rejected", func() bool { return b.settled("rejected") == 1 })
		b.awaitEmpty()
		b.stop()
		// On a machine that is slow enough it may be too old already the first time.
		if n := len(w.got()); n > 1 {
			t.Errorf("%d posts of a message that was too old after the first", n)
		}
	})
}
