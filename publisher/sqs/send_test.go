//go:build unix

package sqs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/publisher"
	publishersqs "carrier/publisher/sqs"
	"carrier/receiver"
)

// onQueue opens a publisher on a queue of our own server.
func onQueue(t *testing.T, name string) (*publishersqs.Publisher, *sqstest.Server, *sqstest.Queue) {
	t.Helper()
	s, endpoint, _ := serve(t)
	_, err := s.CreateQueue(name, nil)
	must(t, err)
	return open(t, publishersqs.Options{QueueName: name, Endpoint: endpoint}), s, s.Queue(name)
}

func TestAnswerSaysWhetherTheMessageIsStored(t *testing.T) {
	t.Parallel()
	answer := func(e *sqstest.Error) sqstest.Fault { return sqstest.Fault{Error: e} }
	entry := func(f sqstest.EntryFault) sqstest.Fault {
		return sqstest.Fault{Entry: func(int, string) *sqstest.EntryFault { return &f }}
	}
	for name, c := range map[string]struct {
		fault   sqstest.Fault
		refused bool
		why     publisher.Why
	}{
		"throttled":                    {answer(sqstest.RequestThrottled()), true, publisher.NotNow},
		"not allowed":                  {answer(sqstest.AccessDenied("SendMessage")), true, publisher.NotNow},
		"the queue is gone":            {answer(sqstest.QueueDoesNotExist()), true, publisher.NotNow},
		"credentials are over":         {answer(sqstest.ExpiredToken()), true, publisher.NotNow},
		"the service has failed":       {answer(sqstest.InternalError()), false, 0},
		"the service is away":          {answer(sqstest.ServiceUnavailable()), false, 0},
		"cut before the work":          {sqstest.Fault{Drop: sqstest.BeforeWork}, false, 0},
		"cut in the answer":            {sqstest.Fault{Drop: sqstest.MidAnswer}, false, 0},
		"the entry failed":             {entry(sqstest.EntryFault{Code: "InternalError"}), true, publisher.NotNow},
		"the entry was throttled":      {entry(sqstest.EntryFault{Code: "RequestThrottled", SenderFault: true}), true, publisher.NotNow},
		"the entry is no good":         {entry(sqstest.EntryFault{Code: "InvalidParameterValue", Message: "no", SenderFault: true}), true, publisher.Unsupported},
		"the entry is too large":       {entry(sqstest.EntryFault{Code: "InvalidParameterValue", Message: "Message must be shorter than 9 bytes.", SenderFault: true}), true, publisher.TooLarge},
		"the entry is not mentioned":   {sqstest.Fault{Edit: func(a map[string]any) { a["Successful"] = []any{} }}, false, 0},
		"another body has been stored": {sqstest.Fault{Edit: damage}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s, _ := onQueue(t, "q")
			s.Inject("SendMessageBatch", c.fault)
			r := p.Publish(t.Context(), []*message.Message{{Body: []byte("a")}})[0]
			if r.Err == nil || publisher.IsRefused(r.Err) != c.refused || publisher.WhyOf(r.Err) != c.why {
				t.Errorf("result = %+v, want refused %v, %d", r, c.refused, c.why)
			}
			if n := s.Calls("SendMessageBatch"); n != 1 {
				t.Errorf("%d calls", n)
			}
			if c.refused && receiver.ClassOf(r.Err) == receiver.Other {
				t.Errorf("%v has no class", r.Err)
			}
		})
	}
}

func damage(answer map[string]any) {
	answer["Successful"].([]any)[0].(map[string]any)["MD5OfMessageBody"] = strings.Repeat("0", 32)
}

func TestDelayIsInWholeSecondsRoundedUp(t *testing.T) {
	t.Parallel()
	p, _, q := onQueue(t, "q")
	now := time.Now()
	r := p.Publish(t.Context(), []*message.Message{{Body: []byte("a"), Due: now.Add(10*time.Minute - 500*time.Millisecond)}})[0]
	must(t, r.Err)
	if hidden := q.Peek()[0].HiddenUntil.Sub(now); hidden < 10*time.Minute-time.Second/2 || q.Counts().Delayed != 1 {
		t.Errorf("hidden for %s", hidden)
	}
}

// What is told apart on a FIFO queue has an id of its own, and what has none gets one.
func TestDeduplicationIDIsTheKeyElseTheIDElseNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		one, two *message.Message
		stored   int
	}{
		"one key, two ids":                 {&message.Message{Key: "k", ID: "1"}, &message.Message{Key: "k", ID: "2"}, 1},
		"two keys, one id":                 {&message.Message{Key: "k", ID: "1"}, &message.Message{Key: "l", ID: "1"}, 2},
		"one id":                           {&message.Message{ID: "1"}, &message.Message{ID: "1"}, 1},
		"nothing":                          {&message.Message{}, &message.Message{}, 2},
		"a long key":                       {&message.Message{Key: strings.Repeat("k", 200)}, &message.Message{Key: strings.Repeat("k", 200)}, 1},
		"long keys that differ at the end": {&message.Message{Key: strings.Repeat("k", 200) + "1"}, &message.Message{Key: strings.Repeat("k", 200) + "2"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _, q := onQueue(t, "q.fifo")
			for _, m := range []*message.Message{c.one, c.two} {
				m.Body = []byte("a")
				must(t, p.Publish(t.Context(), []*message.Message{m})[0].Err)
			}
			if n := q.Counts().All(); n != c.stored {
				t.Errorf("%d are stored, want %d", n, c.stored)
			}
		})
	}
}

func TestMessageWithoutAGroupIsBehindNoOther(t *testing.T) {
	t.Parallel()
	p, _, q := onQueue(t, "q.fifo")
	for _, r := range p.Publish(t.Context(), []*message.Message{{Body: []byte("a")}, {Body: []byte("b")}}) {
		must(t, r.Err)
	}
	if l := q.Peek(); len(l) != 2 || l[0].Group == l[1].Group {
		t.Errorf("stored %+v", l)
	}
}

func TestGroupThatSQSHasNoPlaceForIsRefused(t *testing.T) {
	t.Parallel()
	p, _, q := onQueue(t, "q")
	for _, group := range []string{"a b", "ü", strings.Repeat("g", 129)} {
		r := p.Publish(t.Context(), []*message.Message{{Body: []byte("a"), Group: group}})[0]
		if publisher.WhyOf(r.Err) != publisher.Unsupported || q.Counts().All() != 0 {
			t.Errorf("group %.20q: %+v", group, r)
		}
	}
}

// A call that is refused as a whole, for one message of it, does not refuse the others.
func TestOneBadMessageDoesNotRefuseItsBatch(t *testing.T) {
	t.Parallel()
	p, s, q := onQueue(t, "q")
	s.Inject("SendMessageBatch", sqstest.Fault{Error: sqstest.InvalidAction("x")}, sqstest.Fault{}, sqstest.Fault{Error: sqstest.InvalidAction("x")})
	results := p.Publish(t.Context(), []*message.Message{{Body: []byte("a")}, {Body: []byte("b")}, {Body: []byte("c")}})
	if results[0].Err != nil || publisher.WhyOf(results[1].Err) != publisher.Unsupported || results[2].Err != nil || q.Counts().All() != 2 {
		t.Errorf("results = %+v, %d stored", results, q.Counts().All())
	}
}

func TestBodyThatTheServerDoesNotTakeForTextGoesAsBase64(t *testing.T) {
	t.Parallel()
	p, s, q := onQueue(t, "q")
	s.Inject("SendMessageBatch", sqstest.Fault{Entry: func(int, string) *sqstest.EntryFault {
		return &sqstest.EntryFault{Code: "InvalidMessageContents", SenderFault: true}
	}})
	must(t, p.Publish(t.Context(), []*message.Message{{Body: []byte("\U0001F600")}})[0].Err)
	if l := q.Peek()[0]; l.Body != "8J+YgA==" || l.Attributes["Body.Encoding"].StringValue != "base64" {
		t.Errorf("stored %+v", l)
	}
}

func TestMessagesAreSentTogetherAsFarAsACallTakesThem(t *testing.T) {
	t.Parallel()
	p, s, _ := onQueue(t, "q")
	var batch []*message.Message
	for i := range 25 {
		batch = append(batch, &message.Message{Body: []byte(fmt.Sprint(i))})
	}
	p.Publish(t.Context(), batch)
	if n := s.Calls("SendMessageBatch"); n != 3 {
		t.Errorf("%d calls for 25 messages, want 3", n)
	}
	for i := range batch[:4] {
		batch[i] = &message.Message{Body: []byte(strings.Repeat("x", 400<<10))}
	}
	if results := p.Publish(t.Context(), batch[:4]); results[3].Err != nil || s.Calls("SendMessageBatch") != 5 {
		t.Errorf("%d calls for 1.6 MiB more, want 2: %v", s.Calls("SendMessageBatch")-3, results[3].Err)
	}
}

func TestLimitsAreTheQueues(t *testing.T) {
	t.Parallel()
	s, endpoint, _ := serve(t)
	for _, name := range []string{"q", "q.fifo"} {
		_, err := s.CreateQueue(name, map[string]string{"MaximumMessageSize": "2048"})
		must(t, err)
	}
	standard := open(t, publishersqs.Options{QueueName: "q", Endpoint: endpoint}).Limits()
	fifo := open(t, publishersqs.Options{QueueName: "q.fifo", Endpoint: endpoint}).Limits()
	if standard.Bytes != 2048 || standard.Delay != 15*time.Minute || standard.Ordered || standard.Deduplicates {
		t.Errorf("standard: %+v", standard)
	}
	if fifo.Bytes != 2048 || fifo.Delay != 0 || !fifo.Ordered || !fifo.Deduplicates {
		t.Errorf("FIFO: %+v", fifo)
	}
	s.Always("GetQueueAttributes", sqstest.Fault{Error: sqstest.AccessDenied("GetQueueAttributes")})
	if l := open(t, publishersqs.Options{QueueName: "q", Endpoint: endpoint}).Limits(); l.Bytes != 1<<20 {
		t.Errorf("of a queue that may not be read: %+v", l)
	}
	s.Always("GetQueueUrl", sqstest.Fault{Error: sqstest.QueueDoesNotExist()})
	if err := publishersqs.New(publishersqs.Options{QueueName: "q", Endpoint: endpoint}).Open(t.Context()); receiver.ClassOf(err) != receiver.NotFound {
		t.Errorf("of a queue that is not there: %v", err)
	}
}
