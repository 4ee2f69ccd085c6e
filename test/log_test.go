package test

import (
	"strings"
	"testing"
)

// Section 1: the log.

func TestLogHasTheMessageIdAndNothingOfTheMessage(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		const secret = "mention-me-not"
		w := newWorker(t, first(says(500, "X-Note: "+secret), answer{Wire: secret, Cut: true}, says(429, "Retry-After: "+secret)))
		b := newBench(t, kind, w, nil)
		id := b.put(testMessage{Body: secret, ContentType: "text/" + secret, Attributes: map[string]string{"Key": secret}})
		w.await(4)
		b.awaitEmpty()
		b.stop()
		if strings.Contains(b.stdout.String()+b.stderr.String(), secret) {
			t.Error("the log holds something of the message or the answer")
		}
		for _, l := range b.log() {
			about := strings.HasPrefix(l.text("msg"), "message ") || strings.HasPrefix(l.text("msg"), "attempt")
			if about && l.text("message_id") != id {
				t.Errorf("no message_id: %v", l)
			}
		}
		if len(b.logged("message failed")) == 0 || len(b.logged("message delivered")) == 0 {
			t.Error("what became of the message is not logged")
		}
	})
}

func TestLogForPeopleIsNoJSON(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_ENABLE_COLORIZED_LOGGING": "true"})
	b.stop()
	if out := b.stdout.String(); strings.HasPrefix(out, "{") || !strings.Contains(out, "starting") {
		t.Errorf("the log is %q", out)
	}
}

func TestStatisticsAreLoggedWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_ENABLE_STAT_LOG": "true", "CARRIER_STAT_LOG_TIMER": "1s"})
	b.awaitLog("statistics")
	b.stop()
}
