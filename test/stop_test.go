package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"carrier/internal/sqstest"
)

// Section 7: the stop.

// busy is a bench whose worker holds one message, with two more in hand behind it.
func busy(t *testing.T, hold <-chan struct{}, e env) (b *bench, posted string, unposted []string) {
	t.Helper()
	w := newWorker(t, always(held(says(200), hold)))
	b = newBench(t, ofSQS, w, env{"CARRIER_CONCURRENCY": "1", "CARRIER_PREFETCH": "2", "CARRIER_SQS_WAIT_TIME": "1s"}.with(e))
	ids := b.putAll("a", "b", "c")
	until(t, "three in hand", func() bool { return b.metric("carrier_messages_in_flight") == 3 })
	posted = w.await(1)[0].id()
	unposted = slices.DeleteFunc(ids, func(id string) bool { return id == posted })
	return b, posted, unposted
}

func TestStopGivesBackWhatIsUnpostedAndFinishesWhatIsPosted(t *testing.T) {
	t.Parallel()
	for how, stop := range map[string]func(b *bench){
		"SIGTERM": func(b *bench) { b.signal(syscall.SIGTERM) },
		"SIGINT":  func(b *bench) { b.signal(syscall.SIGINT) },
		"drain":   func(b *bench) { go func() { b.drain(http.MethodPost) }() },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			b, posted, unposted := busy(t, hold, env{"CARRIER_SQS_VISIBILITY_TIMEOUT": "2s"})
			q := b.onSQS().queue
			stop(b)
			until(t, "the unposted ones are back", func() bool { return q.Counts().Visible == 2 })
			for _, id := range unposted {
				changes := changesOf(q, id)
				if n := len(changes); n == 0 || changes[n-1].Seconds != 0 {
					t.Errorf("unposted %s: changes %+v, want the last to be 0", id, changes)
				}
			}
			if r := b.ask("/readyz"); r.Status != http.StatusServiceUnavailable {
				t.Errorf("/readyz %d while stopping", r.Status)
			}
			if r := b.ask("/livez"); r.Status != http.StatusOK {
				t.Errorf("/livez %d while stopping", r.Status)
			}
			receives := len(q.Receives())
			renewed := len(changesOf(q, posted))
			until(t, "the posted one's lease is renewed", func() bool { return len(changesOf(q, posted)) >= renewed+3 })
			close(hold)
			until(t, "the posted one is deleted", func() bool { return q.Counts().All() == 2 })
			if how == "drain" {
				b.awaitDrained()
				b.signal(syscall.SIGTERM)
			}
			b.wait()
			if b.code != 0 {
				t.Errorf("exit code %d", b.code)
			}
			if n := len(q.Receives()) - receives; n != 0 {
				t.Errorf("%d receives after the stop began", n)
			}
			onePostEach(t, b.worker, []string{posted})
		})
	}
}

// drain asks for the drain and returns the answer, which comes when it is over.
func (b *bench) drain(method string, header ...string) reply {
	return call(b.t, method, "http://"+b.admin+"/drain", header...)
}

// awaitDrained waits for the end of a drain under way.
func (b *bench) awaitDrained() {
	b.t.Helper()
	if r := b.drain(http.MethodGet); r.Status != http.StatusOK {
		b.t.Errorf("/drain: %d %s", r.Status, r.Body)
	}
}

func TestDrainAnswersWhenDrainedAndTheProgramStaysUp(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			hold := make(chan struct{})
			b, posted, _ := busy(t, hold, nil)
			answered := make(chan reply, 1)
			go func() { answered <- b.drain(method) }()
			b.awaitLog("stopping, no message")
			q := b.onSQS().queue
			until(t, "the unposted ones are back", func() bool { return q.Counts().Visible == 2 })
			select {
			case r := <-answered:
				t.Errorf("/drain answered %d with a message at the worker", r.Status)
			default:
			}
			close(hold)
			r := <-answered
			if r.Status != http.StatusOK {
				t.Errorf("/drain: %d %s", r.Status, r.Body)
			}
			if slices.Contains(q.IDs(), posted) {
				t.Error("/drain answered before the posted message was deleted")
			}
			if n := b.ask("/livez").Status; n != http.StatusOK {
				t.Errorf("/livez %d after the drain", n)
			}
			if n := b.ask("/readyz").Status; n != http.StatusServiceUnavailable {
				t.Errorf("/readyz %d after the drain", n)
			}
			select {
			case <-b.exited:
				t.Error("the program ended with the drain")
			default:
			}
			b.stop()
			if n := q.Counts(); n.Visible != 2 || n.InFlight != 0 {
				t.Errorf("%+v after the end, want two visible", n)
			}
		})
	}
}

func TestDrainNeedsTheTokenWhereThereIsOne(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofIngest, w, env{"CARRIER_ADMIN_TOKEN": "let-me"})
	for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Basic let-me"}, {"Authorization", "Bearer let-me-in"}} {
		if r := b.drain(http.MethodPost, header...); r.Status != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, r.Status)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		if r := b.ask(path); r.Status != http.StatusOK {
			t.Errorf("%s without a token: %d", path, r.Status)
		}
	}
	if r := b.drain(http.MethodPost, "Authorization", "Bearer let-me"); r.Status != http.StatusOK {
		t.Errorf("with the token: %d %s", r.Status, r.Body)
	}
	b.stop()
}

func TestIngestRefusesWhileStopping(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := newBench(t, ofIngest, w, env{"CARRIER_CONCURRENCY": "1"})
	b.putAll("a", "b")
	w.await(1)
	b.signal(syscall.SIGTERM)
	b.awaitLog("stopping, no message")
	r := send(t, http.MethodPost, b.onIngest().url(), "late")
	if r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer while stopping: %d %v %s", r.Status, r.Header, r.Body)
	}
	close(hold)
	b.wait()
	if b.code != 0 {
		t.Errorf("exit code %d", b.code)
	}
	// What was not posted is posted by the next run; the late one was not stored.
	b.start()
	b.awaitReady()
	w.await(2)
	b.awaitEmpty()
	b.stop()
	if got := len(w.got()); got != 2 {
		t.Errorf("%d posts, want 2", got)
	}
}

func TestWhatIsUnansweredAfterTheDrainTimeIsNamedAndLeftToItsLease(t *testing.T) {
	t.Parallel()
	onEverySource(t, func(t *testing.T, kind string) {
		hold := make(chan struct{})
		defer close(hold)
		w := newWorker(t, always(held(says(200), hold)))
		b := newBench(t, kind, w, env{
			"CARRIER_DRAIN_TIMEOUT": "300ms", "CARRIER_SQS_VISIBILITY_TIMEOUT": "5m", "CARRIER_INGEST_LEASE": "5m", "CARRIER_SQS_WAIT_TIME": "1s",
		})
		ids := b.putAll("a", "b")
		w.await(2)
		b.stop()
		named := false
		for _, l := range b.log() {
			if l.text("level") == "warn" && strings.Contains(fmt.Sprint(l), ids[0]) && strings.Contains(fmt.Sprint(l), ids[1]) {
				named = true
			}
		}
		if !named {
			t.Error("no warning names both ids")
		}
		if kind == ofSQS {
			for _, id := range ids {
				for _, c := range changesOf(b.onSQS().queue, id) {
					if c.Seconds == 0 {
						t.Errorf("%s was given back, though the worker may have it", id)
					}
				}
			}
			if n := b.onSQS().queue.Counts(); n.InFlight != 2 {
				t.Errorf("%+v, want two in flight", n)
			}
		}
	})
}

func TestStopDoesNotWaitForALongPoll(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := newBench(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "20s"})
	s := b.onSQS().server
	until(t, "a long poll", func() bool { return s.Open("ReceiveMessage") == 1 })
	begun := b.onSQS().queue.Receives()[0]
	b.stop()
	until(t, "the poll is over", func() bool { return s.Open("ReceiveMessage") == 0 })
	if polled := s.Now().Sub(begun.At); polled >= 20*time.Second {
		t.Errorf("the poll went on to its end, %v", polled)
	}
}

// TestWhatALongPollBringsAfterTheSignalIsGivenBack holds the answer of a receive until
// the stop has begun.
func TestWhatALongPollBringsAfterTheSignalIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorker(t, always(says(200)))
	b := prepare(t, ofSQS, w, env{"CARRIER_SQS_WAIT_TIME": "20s"})
	s := b.onSQS()
	release := make(chan struct{})
	s.server.Always("ReceiveMessage", sqstest.Fault{HoldAnswer: release})
	id := b.put(letter{Body: "a"})
	b.start()
	until(t, "handed out", func() bool { return s.queue.HandedOut()[id] == 1 })
	b.signal(syscall.SIGTERM)
	b.awaitLog("stopping, no message")
	close(release)
	b.wait()
	if b.code != 0 {
		t.Errorf("exit code %d", b.code)
	}
	// On a machine so slow that the second was over it comes back with its lease instead.
	changes := changesOf(s.queue, id)
	if len(b.logged("message returned")) > 0 && (len(changes) == 0 || changes[len(changes)-1].Seconds != 0 || s.queue.Counts().Visible != 1) {
		t.Errorf("changes %+v, want the last to be 0", changes)
	}
	if len(changes) == 0 {
		t.Error("it was not given back")
	}
	if n := len(w.got()); n != 0 {
		t.Errorf("%d posts after the signal", n)
	}
}

func TestGroupsTailIsGivenBackLastOneFirst(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWorker(t, always(held(says(200), hold)))
	b := prepare(t, ofSQSFIFO, w, env{"CARRIER_CONCURRENCY": "4", "CARRIER_SQS_WAIT_TIME": "1s"})
	var ids []string
	for i := range 4 {
		ids = append(ids, b.put(letter{Body: fmt.Sprint("A", i), Group: "A"}))
	}
	b.start()
	b.awaitReady()
	w.await(1)
	until(t, "four in hand", func() bool { return b.metric("carrier_messages_in_flight") == 4 })
	b.signal(syscall.SIGTERM)
	q := b.onSQS().queue
	var back []string
	until(t, "the tail is back", func() bool {
		back = nil
		for _, c := range q.VisibilityChanges() {
			if c.Seconds == 0 {
				back = append(back, c.MessageID)
			}
		}
		return len(back) == 3
	})
	if want := []string{ids[3], ids[2], ids[1]}; !slices.Equal(back, want) {
		t.Errorf("given back %q, want %q", back, want)
	}
	close(hold)
	b.wait()
	if b.code != 0 || q.Counts().All() != 3 {
		t.Errorf("exit code %d, %d messages left", b.code, q.Counts().All())
	}
	b.start()
	b.awaitReady()
	b.awaitEmpty()
	b.stop()
	inOrder(t, w.got(), 4, "A")
}

// TestSettlementGoesOnWhileStopping has the deletion fail at first.
func TestSettlementGoesOnWhileStopping(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	b, posted, _ := busy(t, hold, nil)
	s := b.onSQS()
	s.server.Inject("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()}, sqstest.Fault{Drop: sqstest.BeforeWork}, sqstest.Fault{Error: sqstest.RequestThrottled()})
	b.signal(syscall.SIGTERM)
	b.awaitLog("stopping, no message")
	close(hold)
	b.wait()
	if b.code != 0 || slices.Contains(s.queue.IDs(), posted) {
		t.Errorf("exit code %d; what the worker accepted is still in the queue: %v", b.code, slices.Contains(s.queue.IDs(), posted))
	}
}
