package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carrier/internal/testkit/sqstest"
	"carrier/message"
	"carrier/receiver/receivertest"
)

func TestMessageArrivesWithAllItIsKnownBy(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		sent := time.Now()
		id, err := b.queue.Send(sqstest.Message{
			Body:  "bödy\r\n",
			Trace: "Root=1-5759e988-bd862e3fe1be46a994272793",
			Attributes: map[string]sqstest.Attribute{
				"zone":             sqstest.Text("eu"),
				"Body.ContentType": sqstest.Text("text/plain"),
				"n":                {DataType: "Number", StringValue: "7"},
				"custom":           {DataType: "String.uuid", StringValue: "x"},
				"blob":             {DataType: "Binary", BinaryValue: []byte{1}},
				"image":            {DataType: "Binary.png", BinaryValue: []byte{2}},
			},
		})
		must(t, err)
		time.Sleep(1500 * time.Millisecond)
		first := time.Now()
		m := b.take(t, 1)[0]
		want := []message.Attribute{{Name: "Body.ContentType", Value: "text/plain"}, {Name: "custom", Value: "x", Type: "String.uuid"}, {Name: "n", Value: "7", Type: "Number"}, {Name: "zone", Value: "eu"}}
		if !slices.Equal(m.Attributes, want) {
			t.Errorf("attributes = %v, want %v", m.Attributes, want)
		}
		if m.ID != id || string(m.Body) != "bödy\r\n" || m.ContentType != "text/plain" || m.Trace == "" || m.Source != "q" {
			t.Errorf("message = %+v", m)
		}
		if !m.Sent.Equal(sent) || !m.FirstReceived.Equal(first) || !m.Received.Equal(first) || m.ReceiveCount != 1 {
			t.Errorf("sent %v, first %v, received %v, count %d; want %v and twice %v",
				m.Sent, m.FirstReceived, m.Received, m.ReceiveCount, sent, first)
		}
		time.Sleep(40 * time.Second)
		again := b.take(t, 1)[0]
		if again.ReceiveCount != 2 || !again.FirstReceived.Equal(first) || again.Received.Equal(first) {
			t.Errorf("again: count %d, first %v, received %v", again.ReceiveCount, again.FirstReceived, again.Received)
		}
	})
}

func TestOnlyFIFOGroupsOrder(t *testing.T) {
	for name, ordered := range map[string]bool{"q": false, "q.fifo": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{QueueName: name}, func(t *testing.T, b bench) {
				b.send(t, 1, "g")
				if m := b.take(t, 1)[0]; m.Group != "g" || m.Ordered != ordered {
					t.Errorf("group %q, ordered %v; want g, %v", m.Group, m.Ordered, ordered)
				}
			})
		})
	}
}

func TestReceiveAsksForNoMoreThanItMay(t *testing.T) {
	for name, c := range map[string]struct{ batch, limit, want int }{
		"by its limit":             {0, 3, 3},
		"by the batch size":        {4, 7, 4},
		"by SQS":                   {0, 100, 10},
		"by SQS beyond its option": {50, 100, 10},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{BatchSize: c.batch}, func(t *testing.T, b bench) {
				b.send(t, 20, "")
				batch, err := b.Receive(t.Context(), c.limit)
				if err != nil || len(batch) != c.want || b.queue.Receives()[0].Max != c.want {
					t.Errorf("%d messages, asked for %d, %v; want %d", len(batch), b.queue.Receives()[0].Max, err, c.want)
				}
			})
		})
	}
}

func TestReceiveWaitsAsLongAsItWasToldTo(t *testing.T) {
	bubble(t, Options{WaitTime: 6500 * time.Millisecond}, func(t *testing.T, b bench) {
		start := time.Now()
		batch, err := b.Receive(t.Context(), 10)
		if len(batch) != 0 || err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("%d messages, %v after %v; want none after 7s", len(batch), err, time.Since(start))
		}
	})
}

func TestEndOfContextCutsTheReceive(t *testing.T) {
	bubble(t, Options{WaitTime: 20 * time.Second}, func(t *testing.T, b bench) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := b.Receive(ctx, 10)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Receive = %v after %v, want the context's error after 1s", err, time.Since(start))
		}
		if len(b.seen.Counts("error")) != 0 {
			t.Errorf("failures = %v: the end of a context is none of the source's", b.seen.Counts("error"))
		}
	})
}

func TestMessagesOfAnAnswerUnderWayAreReturned(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		release := make(chan struct{})
		b.server.Inject("ReceiveMessage", sqstest.Fault{EarlyHead: true, Hold: release})
		ctx, cancel := context.WithCancel(t.Context())
		var batch []*message.Message
		var err error
		var call sync.WaitGroup
		call.Go(func() { batch, err = b.Receive(ctx, 1) })
		synctest.Wait() // the head of the answer is there
		cancel()
		synctest.Wait()
		close(release)
		call.Wait()
		if err != nil || len(batch) != 1 {
			t.Errorf("Receive = %d messages, %v; want the one that the server has handed out", len(batch), err)
		}
	})
}

func TestLeaseCountsFromTheBeginningOfTheAnswer(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		release := make(chan struct{})
		b.server.Inject("ReceiveMessage", sqstest.Fault{EarlyHead: true, Hold: release})
		began := time.Now()
		time.AfterFunc(5*time.Second, func() { close(release) })
		m := b.take(t, 1)[0]
		if time.Since(began) != 5*time.Second || !m.Expires().Equal(began.Add(m.Lease)) {
			t.Errorf("expires %v after the answer began, want %v", m.Expires().Sub(began), m.Lease)
		}
	})
}

// SQS confirms deletions that it does not carry out. What to do with such a message is dispatch's
// decision, and it has to know.
func TestMessageThatMayComeAgainSaysSo(t *testing.T) {
	bubble(t, Options{WaitTime: time.Second}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.server.Inject("DeleteMessageBatch", sqstest.Fault{Error: sqstest.InternalError()})
		if err := b.Settle(t.Context(), m, delivered()); err == nil {
			t.Fatal("Settle = nil, though the deletion failed")
		}
		time.Sleep(m.Lease + time.Second)
		again := b.take(t, 1)[0]
		if !m.Repeats || !again.Repeats || again.ID != m.ID {
			t.Errorf("repeats %v, then %v; want both", m.Repeats, again.Repeats)
		}
		must(t, b.Settle(t.Context(), again, delivered()))
	})
}

func TestRetriedMessageIsNotTakenForDelivered(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		b.send(t, 1, "")
		m := b.take(t, 1)[0]
		b.server.Inject("ChangeMessageVisibilityBatch", sqstest.Fault{Error: sqstest.InternalError()})
		_ = b.settle(t, []*message.Message{m}, message.Outcome{})
		time.Sleep(m.Lease)
		if again := b.take(t, 1)[0]; again.ID != m.ID {
			t.Errorf("received %s, want %s", again.ID, m.ID)
		}
	})
}

// answering serves fixed answers, by operation.
func answering(t *testing.T, answers map[string]string) (endpoint string, calls func(op string) []string) {
	t.Helper()
	var mu sync.Mutex
	bodies := map[string][]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		var body strings.Builder
		_ = r.Write(&body)
		mu.Lock()
		bodies[op] = append(bodies[op], body.String())
		mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = fmt.Fprint(w, answers[op])
	}))
	t.Cleanup(s.Close)
	return s.URL, func(op string) []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies[op])
	}
}

// messageOf is a message in an answer.
func messageOf(id, group, sum string) string {
	return fmt.Sprintf(`{"MessageId":%q,"ReceiptHandle":"h-%s","Body":"b","MD5OfBody":%q,"Attributes":{"MessageGroupId":%q}}`, id, id, sum, group)
}

const goodSum, badSum = "92eb5ffee6ae2fec3ad71c777531578f", "00000000000000000000000000000000"

func TestDamagedMessageHoldsUpNothingOnAStandardQueue(t *testing.T) {
	endpoint, calls := answering(t, map[string]string{
		"GetQueueAttributes":           `{"Attributes":{"VisibilityTimeout":"30"}}`,
		"ReceiveMessage":               `{"Messages":[` + messageOf("a", "g", badSum) + "," + messageOf("b", "g", goodSum) + `]}`,
		"ChangeMessageVisibilityBatch": `{"Successful":[{"Id":"0"}]}`,
	})
	seen := &receivertest.Record{}
	r := New(Options{QueueURL: endpoint + "/1/q", Warn: noting(seen)})
	must(t, r.Open(t.Context()))
	for range 3 {
		batch, err := r.Receive(t.Context(), 2)
		must(t, err)
		if len(batch) != 1 || batch[0].ID != "b" {
			t.Errorf("returned %v, want b", batch)
		}
	}
	must(t, r.Close())
	told := 0
	for _, w := range seen.Warnings() {
		if strings.Contains(w, "a damaged message is not delivered; it is hidden and tried again, at growing intervals [a]: its body does not match its checksum") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times in %q, want once", told, seen.Warnings())
	}
	for _, call := range calls("ChangeMessageVisibilityBatch") {
		if strings.Contains(call, `"VisibilityTimeout":0`) {
			t.Errorf("given back at once: %s", call)
		}
	}
}

func TestDamagedMessageIsHiddenForLongerEachTime(t *testing.T) {
	for receives, want := range map[int64]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 10: 512 * time.Second, 11: 15 * time.Minute, 1 << 40: 15 * time.Minute} {
		if got := damagedDelay(receives); got != want {
			t.Errorf("after %d receives: %v, want %v", receives, got, want)
		}
	}
}

func TestChecksumMayBeWrittenInEitherCaseOrBeMissing(t *testing.T) {
	for name, sum := range map[string]string{"lower": goodSum, "upper": strings.ToUpper(goodSum), "empty": "", "mixed": "92EB5ffee6ae2fec3ad71c777531578F"} {
		t.Run(name, func(t *testing.T) {
			endpoint, _ := answering(t, map[string]string{
				"GetQueueAttributes": `{"Attributes":{"VisibilityTimeout":"30"}}`,
				"ReceiveMessage":     `{"Messages":[` + messageOf("a", "g", sum) + `]}`,
			})
			r := New(Options{QueueURL: endpoint + "/1/q"})
			must(t, r.Open(t.Context()))
			batch, err := r.Receive(t.Context(), 1)
			must(t, err)
			must(t, r.Close())
			if len(batch) != 1 {
				t.Errorf("the message is not returned")
			}
		})
	}
}

func TestMessagesThatCannotBeReturnedAreGivenBackTailFirst(t *testing.T) {
	endpoint, calls := answering(t, map[string]string{
		"GetQueueAttributes": `{"Attributes":{"VisibilityTimeout":"30"}}`,
		"ReceiveMessage": `{"Messages":[` + strings.Join([]string{
			messageOf("a", "g", goodSum), messageOf("b", "g", badSum), messageOf("c", "g", goodSum), messageOf("d", "h", goodSum), messageOf("e", "i", goodSum),
		}, ",") + `]}`,
		"ChangeMessageVisibilityBatch": `{"Successful":[{"Id":"0"}],"Failed":[]}`,
	})
	r := New(Options{QueueURL: endpoint + "/1/q.fifo"})
	must(t, r.Open(t.Context()))
	batch, err := r.Receive(t.Context(), 2)
	must(t, err)
	if len(batch) != 2 || batch[0].ID != "a" || batch[1].ID != "d" {
		t.Errorf("returned %v, want a and d", batch)
	}
	must(t, r.Close())
	var given []string
	for _, call := range calls("ChangeMessageVisibilityBatch") {
		_, rest, _ := strings.Cut(call, `"ReceiptHandle":"h-`)
		_, seconds, _ := strings.Cut(call, `"VisibilityTimeout":`)
		given = append(given, rest[:1]+" for "+seconds[:1])
	}
	if got := strings.Join(given, ", "); got != "e for 0, c for 0, b for 1" {
		t.Errorf("given back: %s; want e, c and b (b is damaged, c is behind it, e is one too many)", got)
	}
}

func TestMessagesWithoutAGroupOnAFIFOQueueAreOrdered(t *testing.T) {
	const noGroup = `{"MessageId":"a","ReceiptHandle":"h","Body":"b","Attributes":{"ApproximateReceiveCount":"1"}},{"MessageId":"b","ReceiptHandle":"i","Body":"b"}`
	for name, c := range map[string]struct {
		queue   string
		ordered bool
		told    int
	}{"a FIFO queue": {"q.fifo", true, 1}, "a standard queue": {"q", false, 0}} {
		t.Run(name, func(t *testing.T) {
			endpoint, _ := answering(t, map[string]string{
				"GetQueueAttributes": `{"Attributes":{"VisibilityTimeout":"30"}}`, "ReceiveMessage": `{"Messages":[` + noGroup + `]}`,
			})
			seen := &receivertest.Record{}
			r := New(Options{QueueURL: endpoint + "/1/" + c.queue, Warn: noting(seen)})
			must(t, r.Open(t.Context()))
			for range 2 {
				batch, err := r.Receive(t.Context(), 2)
				must(t, err)
				if len(batch) != 2 || batch[0].Ordered != c.ordered || batch[1].Ordered != c.ordered || batch[1].ReceiveCount != 1 {
					t.Errorf("messages %v", batch)
				}
			}
			must(t, r.Close())
			all := strings.Join(seen.Warnings(), "\n")
			if strings.Count(all, "MessageGroupId") != c.told || strings.Count(all, "ApproximateReceiveCount") != 1 {
				t.Errorf("warnings: %s", all)
			}
		})
	}
}

func TestDamagedAttributeIsToldAndNotCut(t *testing.T) {
	endpoint, _ := answering(t, map[string]string{
		"GetQueueAttributes": `{"Attributes":{"VisibilityTimeout":"30"}}`,
		"ReceiveMessage":     `{"Messages":[{"MessageId":"a","ReceiptHandle":"h","Body":"b","MessageAttributes":{"blob":{"DataType":"Binary","BinaryValue":"AA*E"},"ok":{"DataType":"Binary","BinaryValue":"AA=="}}}]}`,
	})
	seen := &receivertest.Record{}
	r := New(Options{QueueURL: endpoint + "/1/q", Warn: noting(seen)})
	must(t, r.Open(t.Context()))
	for range 2 {
		batch, err := r.Receive(t.Context(), 1)
		must(t, err)
		if own := batch[0].BinaryAttributes; len(own) != 1 || own[0].Name != "ok" {
			t.Errorf("a dead letter would carry %+v", own)
		}
	}
	must(t, r.Close())
	if all := strings.Join(seen.Warnings(), "\n"); strings.Count(all, "[a]: attribute blob: its value is not valid base64") != 1 {
		t.Errorf("warnings: %s", all)
	}
}

func TestLastReceiveIsKnownFromTheRedrivePolicy(t *testing.T) {
	withDeadLetters(t, "", nil, func(t *testing.T, b bench, _ *sqstest.Queue) {
		b.send(t, 1, "")
		for receive := 1; receive <= 5; receive++ {
			m := b.take(t, 1)[0]
			if last := m.RedriveTo == "dead"; last != (receive == 5) || m.ReceiveCount != receive {
				t.Errorf("receive %d (%d): redriven to %q", receive, m.ReceiveCount, m.RedriveTo)
			}
			must(t, b.Settle(t.Context(), m, message.Outcome{Cause: message.Failed}))
		}
	})
}

func TestRedrivePolicyIsReadInEveryForm(t *testing.T) {
	for policy, want := range map[string]string{
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":"3"}`: "dead",
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":3}`:   "dead",
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":4}`:   "",
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead"}`:                       "",
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":0}`:   "",
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":"x"}`: "",
		`nonsense`: "",
		``:         "",
	} {
		if got := (queue{policy: readPolicy(policy)}).redriveAfter(3); got != want {
			t.Errorf("%s: redriven to %q after 3 receives, want %q", policy, got, want)
		}
	}
}

// A dead letter that was moved back is a new message to SQS.
func TestOriginalIDIsNoAttribute(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, b bench) {
		_, err := b.queue.Send(sqstest.Message{Body: "b", Attributes: map[string]sqstest.Attribute{"Carrier.MessageId": sqstest.Text("first"), "n": sqstest.Text("v")}})
		must(t, err)
		m := b.take(t, 1)[0]
		if m.OriginalID != "first" || !slices.Equal(m.Attributes, []message.Attribute{{Name: "n", Value: "v"}}) {
			t.Errorf("original id %q, attributes %v", m.OriginalID, m.Attributes)
		}
	})
}

func TestBodyThatAPublisherHasStoredInAnotherFormIsItselfAgain(t *testing.T) {
	for name, c := range map[string]struct {
		body, encoding, want string
		kept                 bool // the attribute
	}{
		"base64":           {"AP8=", "base64", "\x00\xff", false},
		"empty":            {" ", "empty", "", false},
		"another's word":   {"x", "gzip", "x", true},
		"not what it says": {"not base64!", "base64", "not base64!", false},
		"nothing is said":  {"AP8=", "", "AP8=", false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, b bench) {
				m := sqstest.Message{Body: c.body, Attributes: map[string]sqstest.Attribute{"n": sqstest.Text("v")}}
				if c.encoding != "" {
					m.Attributes["Body.Encoding"] = sqstest.Text(c.encoding)
				}
				_, err := b.queue.Send(m)
				must(t, err)
				got := b.take(t, 1)[0]
				if _, kept := got.Attribute("Body.Encoding"); string(got.Body) != c.want || kept != c.kept {
					t.Errorf("body %q, attribute kept %v; want %q, %v", got.Body, kept, c.want, c.kept)
				}
			})
		})
	}
}
