package main

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"carrier/bench/http1"
	"carrier/bench/load"
	"carrier/bench/queue"
	"carrier/internal/testkit/bufferedbody"
)

// serviceOf serves n messages of size bytes to a client of the real SDK, which checks
// checksums and knows the protocol.
func serviceOf(t *testing.T, n, size int, faulty func(*faults)) (*service, *awssqs.Client, *string) {
	t.Helper()
	s := &service{name: "bench", lease: 30 * time.Second, queue: queue.New(size, clock)}
	s.render = newRenderer(s.queue)
	faulty(&s.faults)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.url = "http://" + l.Addr().String() + "/000000000000/bench"
	go func() { _ = http1.Serve(l, http1.Options{Handle: s.handle, Keep: keep}) }()
	s.queue.Put(n)
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + l.Addr().String()),
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), Retryer: aws.NopRetryer{},
		HTTPClient: bufferedbody.Client{HTTP: http.DefaultClient},
	})
	out, err := client.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("bench")})
	if err != nil || aws.ToString(out.QueueUrl) != s.url {
		t.Fatalf("the queue's URL: %v, %v", out, err)
	}
	return s, client, out.QueueUrl
}

func faultless(*faults) {}

func clock() int64 { return time.Now().UnixNano() }

// balanced fails the test where a message is in no state or in two.
func balanced(t *testing.T, q *queue.Queue) queue.Counts {
	t.Helper()
	n := q.Stats()
	if n.Visible+n.InFlight+n.Deleted != n.Put {
		t.Errorf("the books do not balance: %+v", n)
	}
	return n
}

func receive(t *testing.T, c *awssqs.Client, url *string, n int32) []types.Message {
	t.Helper()
	out, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: n,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func TestSDKReceivesWhatWasPut(t *testing.T) {
	for _, size := range []int{100, 1024, copyLimit + 5000} { // the last one is not copied
		_, client, url := serviceOf(t, 12, size, faultless)
		messages := receive(t, client, url, 10)
		if len(messages) != 10 {
			t.Fatalf("asked for 10, got %d", len(messages))
		}
		for i, m := range messages {
			body := aws.ToString(m.Body)
			n, sent, err := load.ParseHead([]byte(body))
			if err != nil || n != uint64(i) || len(body) != size || body[load.HeadLen:] != string(load.Rest(size)) {
				t.Fatalf("message %d: %d bytes, number %d, %v", i, len(body), n, err)
			}
			if time.Since(time.Unix(0, sent)) > time.Minute || m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["SentTimestamp"] == "" {
				t.Errorf("sent %d, attributes %v", sent, m.Attributes)
			}
		}
		if got := len(receive(t, client, url, 10)); got != 2 {
			t.Errorf("2 were left, got %d", got)
		}
	}
}

func TestSDKDeletesAndChangesInBatches(t *testing.T) {
	s, client, url := serviceOf(t, 10, 100, func(f *faults) { f.failDelete.of = 0.25 }) // the fourth
	messages := receive(t, client, url, 10)
	var deletes []types.DeleteMessageBatchRequestEntry
	var changes []types.ChangeMessageVisibilityBatchRequestEntry
	for i, m := range messages[:8] {
		id := aws.String(string(rune('a' + i)))
		if i < 5 {
			deletes = append(deletes, types.DeleteMessageBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
		} else {
			changes = append(changes, types.ChangeMessageVisibilityBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: int32((i - 5) * 60)})
		}
	}
	deletes = append(deletes, types.DeleteMessageBatchRequestEntry{Id: aws.String("bad"), ReceiptHandle: aws.String("nonsense")})
	out, err := client.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: deletes})
	if err != nil || len(out.Successful) != 4 || len(out.Failed) != 2 || aws.ToString(out.Failed[0].Id) != "d" || aws.ToString(out.Failed[1].Id) != "bad" {
		t.Fatalf("deleted: %+v, %v", out, err)
	}
	changed, err := client.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: changes})
	if err != nil || len(changed.Successful) != 3 || len(changed.Failed) != 0 {
		t.Fatalf("changed: %+v, %v", changed, err)
	}
	_, err = client.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: messages[8].ReceiptHandle})
	if err != nil {
		t.Error(err)
	}
	_, err = client.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: messages[9].ReceiptHandle})
	if err != nil {
		t.Error(err)
	}
	// One of the batch and the single one were given back at once.
	if n := balanced(t, s.queue); n.Deleted != 5 || n.Visible != 2 || n.InFlight != 3 || n.GivenBack != 2 || n.Deferred != 2 {
		t.Errorf("%+v", n)
	}
	if st := s.stats(); st.Calls["DeleteMessageBatch"] != 1 || st.Calls["DeleteMessage"] != 1 || st.Faults["delete_failed"] != 1 || st.FirstReceive == 0 {
		t.Errorf("%+v", st)
	}
}

func TestSDKTakesFaultsForWhatTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		faulty   func(*faults)
		says     string
		inFlight int
	}{
		"throttled":                 {func(f *faults) { f.throttle.of = 0.5 }, "RequestThrottled", 0},
		"dropped, not carried out":  {func(f *faults) { f.dropBefore.of = 0.5 }, "EOF", 0},
		"dropped after it was done": {func(f *faults) { f.dropAfter.of = 0.5 }, "EOF", 1},
	} {
		t.Run(name, func(t *testing.T) {
			// The first call, for the queue's URL, goes well, and every second one does not.
			s, client, url := serviceOf(t, 1, 100, c.faulty)
			_, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %s", err, c.says)
			}
			if n := balanced(t, s.queue); n.InFlight != c.inFlight {
				t.Errorf("%+v", n)
			}
		})
	}
}

func TestPollOfACallerThatHangsUpTakesNothing(t *testing.T) {
	s, client, url := serviceOf(t, 0, 100, faultless)
	conn, err := net.Dial("tcp", strings.Split(s.url, "/")[2])
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"WaitTimeSeconds":20}`
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); s.queue.Waiting() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no poll is open")
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.queue.Put(1)
	if got := receive(t, client, url, 1); len(got) != 1 {
		t.Errorf("the message is in limbo: %+v", s.queue.Stats())
	}
}

func TestBatchAnswerIsJSONWhicheverEntriesFail(t *testing.T) {
	entries := []orderEntry{{id: []byte("0")}, {id: []byte("1")}, {id: []byte("2")}}
	for pattern := range 8 {
		well := []bool{pattern&1 > 0, pattern&2 > 0, pattern&4 > 0}
		var got struct{ Successful, Failed []struct{ ID string } }
		b := results(nil, entries, well)
		if err := json.Unmarshal(b, &got); err != nil || len(got.Successful) != bits.OnesCount(uint(pattern)) || len(got.Successful)+len(got.Failed) != 3 {
			t.Errorf("%v: %s: %v", well, b, err)
		}
	}
}
