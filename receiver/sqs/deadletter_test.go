package sqs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver"
)

func rejected() message.Outcome {
	return message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter, Status: 422, Reason: "the worker said 422"}
}

// withDeadLetters runs f on a queue whose redrive policy names the queue dead.
func withDeadLetters(t *testing.T, suffix string, prepare func(*sqstest.Server), f func(*testing.T, bench, *sqstest.Queue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := sqstest.New(sqstest.Options{})
		dead := mustCreate(t, s, "dead"+suffix)
		q := mustCreate(t, s, "q"+suffix)
		must(t, q.Set(map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"5"}`, dead.ARN())}))
		if prepare != nil {
			prepare(s)
		}
		r, seen := receiverOn(t, s, Options{QueueName: "q" + suffix})
		must(t, r.Open(t.Context()))
		f(t, bench{r, s, q, seen}, dead)
	})
}

func TestDeadLetterCarriesWhatItWasAndWhy(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
		if !b.DeadLetterKnown() {
			t.Fatal("the redrive policy's queue is not known")
		}
		_, err := b.queue.Send(sqstest.Message{Body: "bödy", Trace: "Root=1-5759e988-bd862e3fe1be46a994272793", Attributes: map[string]sqstest.Attribute{
			"blob": {DataType: "Binary", BinaryValue: []byte{0, 1}}, "Body.ContentType": sqstest.Text("text/plain"), "n": {DataType: "Number.int", StringValue: "7"},
		}})
		must(t, err)
		m := b.take(t, 1)[0]
		must(t, b.Settle(t.Context(), m, rejected()))
		if n := b.queue.Counts().All(); n != 0 {
			t.Errorf("%d messages left in the queue", n)
		}
		letter := dead.Peek()[0]
		if letter.Body != "bödy" || len(letter.Attributes) != 8 {
			t.Errorf("letter = %+v", letter)
		}
		for name, want := range map[string]string{
			"Body.ContentType": "String text/plain ", "n": "Number.int 7 ", "blob": "Binary  \x00\x01",
			"Carrier.MessageId": "String " + m.ID + " ", "Carrier.FirstReceived": "String " + m.FirstReceived.UTC().Format(time.RFC3339) + " ",
			"Carrier.Reason": "String the worker said 422 ", "Carrier.Status": "Number 422 ", "Carrier.Attempts": "Number 1 ",
		} {
			a := letter.Attributes[name]
			if got := fmt.Sprintf("%s %s %s", a.DataType, a.StringValue, a.BinaryValue); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	})
}

func TestDeadLetterKeepsItsTrace(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
		const trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
		_, err := b.queue.Send(sqstest.Message{Body: "b", Trace: trace})
		must(t, err)
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], rejected()))
		r, seen := receiverOn(t, b.server, Options{QueueName: "dead"})
		must(t, r.Open(t.Context()))
		if m := (bench{r, b.server, dead, seen}).take(t, 1)[0]; m.Trace != trace {
			t.Errorf("trace = %q, want %q", m.Trace, trace)
		}
	})
}

func TestOriginalAttributesWinOverTheReason(t *testing.T) {
	for own, want := range map[int]string{5: "MessageId Reason Status Attempts FirstReceived", 7: "MessageId Reason Status", 8: "MessageId Reason", 9: "MessageId", 10: ""} {
		withDeadLetters(t, "", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
			attributes := map[string]sqstest.Attribute{}
			for i := range own {
				attributes[fmt.Sprint("a", i)] = sqstest.Text("x")
			}
			_, err := b.queue.Send(sqstest.Message{Body: "b", Attributes: attributes})
			must(t, err)
			must(t, b.Settle(t.Context(), b.take(t, 1)[0], rejected()))
			letter := dead.Peek()[0]
			var ours []string
			for _, name := range []string{"MessageId", "Reason", "Status", "Attempts", "FirstReceived"} {
				if _, ok := letter.Attributes["Carrier."+name]; ok {
					ours = append(ours, name)
				}
			}
			if got := strings.Join(ours, " "); got != want || len(letter.Attributes) != min(own+5, 10) {
				t.Errorf("with %d of its own: %s and %d in all; want %s", own, got, len(letter.Attributes), want)
			}
		})
	}
}

func TestDeadLetterIsCopiedOnceHoweverOftenItsDeletionFails(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.server.Inject("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()}, sqstest.Fault{Drop: sqstest.BeforeWork})
		for range 2 {
			if err := b.Settle(t.Context(), m, rejected()); receiver.ClassOf(err) != receiver.Network || !errors.Is(err, receiver.ErrNotRemoved) {
				t.Fatalf("Settle = %v", err)
			}
		}
		must(t, b.Settle(t.Context(), m, rejected()))
		if n, left := dead.Counts().All(), b.queue.Counts().All(); n != 1 || left != 0 {
			t.Errorf("%d copies and %d originals, want 1 and 0", n, left)
		}
	})
}

// A message that dies, is moved back and dies again keeps the id that it had first.
func TestDeadLetterOfADeadLetterKeepsItsFirstID(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
		_, err := b.queue.Send(sqstest.Message{Body: "b", Attributes: map[string]sqstest.Attribute{
			"Carrier.MessageId": sqstest.Text("first"), "Carrier.Reason": sqstest.Text("old"), "Carrier.LastAttempt": sqstest.Text("old"), "own": sqstest.Text("v"),
		}})
		must(t, err)
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], rejected()))
		a := dead.Peek()[0].Attributes
		if _, stale := a["Carrier.LastAttempt"]; stale || a["Carrier.MessageId"].StringValue != "first" || a["Carrier.Reason"].StringValue != "the worker said 422" || a["own"].StringValue != "v" {
			t.Errorf("attributes = %+v", a)
		}
	})
}

func TestOriginalStaysUntilItsCopyIsThere(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.server.Inject("SendMessageBatch", sqstest.Fault{Error: sqstest.AccessDenied("SendMessage")})
		if err := b.Settle(t.Context(), m, rejected()); receiver.ClassOf(err) != receiver.Denied {
			t.Errorf("Settle = %v", err)
		}
		if n := b.server.Calls("DeleteMessageBatch"); n != 0 {
			t.Errorf("deleted without a copy")
		}
		time.Sleep(m.Lease)
		if again := b.take(t, 1)[0]; again.ID != m.ID {
			t.Errorf("received %s, want %s", again.ID, m.ID)
		}
	})
}

func TestDeadLetterOfAGroupIsSentOnce(t *testing.T) {
	withDeadLetters(t, ".fifo", nil, func(t *testing.T, b bench, dead *sqstest.Queue) {
		b.send(t, 1, "g")
		m := b.take(t, 1)[0]
		b.server.Inject("SendMessageBatch", sqstest.Fault{Drop: sqstest.AfterWork})
		if err := b.Settle(t.Context(), m, rejected()); receiver.ClassOf(err) != receiver.Network {
			t.Errorf("Settle = %v", err)
		}
		must(t, b.Settle(t.Context(), m, rejected()))
		if letters := dead.Peek(); len(letters) != 1 || letters[0].Group != "g" {
			t.Errorf("dead letters = %+v, want one of group g", letters)
		}
	})
}

func TestLargestMessageGoesWithoutItsReason(t *testing.T) {
	withDeadLetters(t, "", func(s *sqstest.Server) {
		must(t, s.Queue("dead").Set(map[string]string{"MaximumMessageSize": "1024"}))
	}, func(t *testing.T, b bench, dead *sqstest.Queue) {
		_, err := b.queue.Send(sqstest.Message{Body: strings.Repeat("x", 1024)})
		must(t, err)
		must(t, b.Settle(t.Context(), b.take(t, 1)[0], rejected()))
		if letters := dead.Peek(); len(letters) != 1 || len(letters[0].Attributes) != 0 {
			t.Errorf("dead letters = %d", len(letters))
		}
		if !b.seen.Warned("it is sent without them") {
			t.Errorf("warnings = %q", b.seen.Warnings())
		}
	})
}

func TestDeadLettersGoWhereTheyWereToldTo(t *testing.T) {
	const configured = "http://sqs.test/000000000000/other"
	for name, c := range map[string]struct {
		o       Options
		prepare func(*sqstest.Server)
		want    string
	}{
		"configured before the policy": {o: Options{DeadLetterQueueURL: configured}, want: configured},
		"the policy's":                 {want: "http://sqs.test/000000000000/dead"},
		"the policy's, though its URL may not be asked for": {
			prepare: func(s *sqstest.Server) {
				s.Inject("GetQueueUrl", sqstest.Fault{}, sqstest.Fault{Error: sqstest.AccessDenied("GetQueueUrl")})
			}, want: "http://sqs.test/000000000000/dead",
		},
		"nowhere, the policy's is gone": {
			prepare: func(s *sqstest.Server) { s.Remove(s.Queue("dead")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			withDeadLetters(t, "", nil, func(t *testing.T, b bench, _ *sqstest.Queue) {
				if c.prepare != nil {
					c.prepare(b.server)
				}
				r, _ := receiverOn(t, b.server, c.o)
				must(t, r.Open(t.Context()))
				if got := r.queue.deadLetter.url; got != c.want || r.DeadLetterKnown() != (c.want != "") {
					t.Errorf("dead letters go to %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestNoDeadLetterQueueLeavesTheMessageInFlight(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		if err := b.Settle(t.Context(), m, rejected()); !errors.Is(err, receiver.ErrNoDeadLetter) || b.DeadLetterKnown() {
			t.Errorf("Settle = %v, want no dead-letter destination", err)
		}
		must(t, b.Settle(t.Context(), m, message.Outcome{Verdict: message.Rejected, Delay: time.Minute}))
		if got := b.queue.VisibilityChanges()[0].Seconds; got != 60 {
			t.Errorf("hidden for %d s, want 60", got)
		}
	})
}
