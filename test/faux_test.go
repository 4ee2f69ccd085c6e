package test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"carrier/internal/testkit/sqstest/fauxqs"
)

// A fauxSource is a queue of the independent SQS server.
type fauxSource struct {
	t        *testing.T
	endpoint string
	name     string
	url      string
}

func newFauxSource(t *testing.T, endpoint, name string, attributes map[string]string) *fauxSource {
	t.Helper()
	s := &fauxSource{t: t, endpoint: endpoint, name: name}
	var out struct {
		QueueURL string `json:"QueueUrl"`
	}
	must(t, s.call("CreateQueue", map[string]any{"QueueName": name, "Attributes": attributes}, &out))
	s.url = out.QueueURL
	return s
}

// call makes one call of SQS's JSON protocol. The signature is not looked at; the region
// in it is.
func (s *fauxSource) call(op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS."+op)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s %w", op, resp.Status, text, err)
	}
	return json.Unmarshal(text, out)
}

func (s *fauxSource) env() env {
	return env{"CARRIER_SQS_QUEUE_NAME": s.name, "CARRIER_SQS_ENDPOINT": s.endpoint}
}

func (s *fauxSource) put(l testMessage) string {
	s.t.Helper()
	id, err := s.send(l)
	must(s.t, err)
	return id
}

// send is put from any goroutine.
func (s *fauxSource) send(l testMessage) (id string, err error) {
	attributes := map[string]any{}
	for name, value := range l.Attributes {
		attributes[name] = map[string]string{"DataType": "String", "StringValue": value}
	}
	in := map[string]any{"QueueUrl": s.url, "MessageBody": l.Body, "MessageAttributes": attributes}
	if strings.HasSuffix(s.name, ".fifo") {
		in["MessageGroupId"], in["MessageDeduplicationId"] = l.Group, rand.Text()
	}
	var out struct {
		ID string `json:"MessageId"`
	}
	err = s.call("SendMessage", in, &out)
	return out.ID, err
}

func (s *fauxSource) left(*program) int {
	s.t.Helper()
	var out struct{ Attributes map[string]string }
	must(s.t, s.call("GetQueueAttributes", map[string]any{"QueueUrl": s.url, "AttributeNames": []string{"All"}}, &out))
	left := 0
	for name, value := range out.Attributes {
		if strings.HasPrefix(name, "ApproximateNumberOfMessages") {
			n, err := strconv.Atoi(value)
			must(s.t, err)
			left += n
		}
	}
	return left
}

// onFaux prepares a program in front of a queue of the independent server.
func onFaux(t *testing.T, s *fauxSource, w *worker, e env) *bench {
	t.Helper()
	return prepareOn(t, s, w, env{"CARRIER_SQS_WAIT_TIME": "1s"}.with(e))
}

// TestIndependentServerAgrees is the way of a message from end to end, on a server that
// others have written.
func TestIndependentServerAgrees(t *testing.T) {
	t.Parallel()
	endpoint := fauxqs.Start(t)
	t.Run("headers and retries", func(t *testing.T) {
		t.Parallel()
		w := newWorker(t, first(says(500), says(429, "Retry-After: 1"), raw("")))
		b := onFaux(t, newFauxSource(t, endpoint, "orders", nil), w, nil)
		b.start()
		b.awaitReady()
		id := b.put(testMessage{Body: "héllo", Attributes: map[string]string{"Kind": "a%b", "Body.ContentType": "text/plain"}})
		for i, r := range w.await(4) {
			if r.id() != id || r.Body != "héllo" || r.receiveCount() != i+1 || r.header("Content-Type") != "text/plain" || r.header("X-Carrier-Attribute-Kind") != "a%25b" || r.header("X-Carrier-Source") != "orders" {
				t.Errorf("post %d: %+v", i+1, r)
			}
		}
		b.awaitEmpty()
		b.stop()
		if len(w.got()) != 4 {
			t.Errorf("%d posts, want 4", len(w.got()))
		}
	})
	t.Run("dead letters", func(t *testing.T) {
		t.Parallel()
		dead := newFauxSource(t, endpoint, "dead", nil)
		policy := `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"9"}`
		w := newWorker(t, always(says(404)))
		b := onFaux(t, newFauxSource(t, endpoint, "buried", map[string]string{"RedrivePolicy": policy}), w, env{"CARRIER_REJECT_ACTION": "dead-letter"})
		b.start()
		b.awaitReady()
		b.put(testMessage{Body: "a"})
		b.awaitEmpty()
		until(t, "the dead letter", func() bool { return dead.left(nil) == 1 })
		b.stop()
	})
	t.Run("order", func(t *testing.T) {
		t.Parallel()
		w := newWorker(t, first(says(500), says(500)))
		b := onFaux(t, newFauxSource(t, endpoint, "orders.fifo", map[string]string{"FifoQueue": "true"}), w, env{"CARRIER_CONCURRENCY": "6"})
		b.start()
		b.awaitReady()
		b.putGroups(5, "A", "B")
		b.awaitEmpty()
		b.stop()
		inOrder(t, w.got(), 5, "A", "B")
	})
	t.Run("a slow worker and a drain", func(t *testing.T) {
		t.Parallel()
		hold := make(chan struct{})
		w := newWorker(t, always(held(says(200), hold)))
		b := onFaux(t, newFauxSource(t, endpoint, "slow", nil), w, env{"CARRIER_CONCURRENCY": "2", "CARRIER_SQS_VISIBILITY_TIMEOUT": "2s"})
		b.start()
		b.awaitReady()
		ids := b.putAll("a", "b")
		w.await(2)
		until(t, "renewals", func() bool { return b.metric("carrier_lease_extensions_total", `result="ok"`) >= 8 })
		drained := make(chan reply, 1)
		go func() { drained <- b.drain(http.MethodPost) }()
		b.awaitLog("stopping, no message")
		close(hold)
		if r := <-drained; r.Status != http.StatusOK {
			t.Errorf("/drain: %d %s", r.Status, r.Body)
		}
		if n := b.source.left(nil); n != 0 {
			t.Errorf("%d messages left", n)
		}
		b.stop()
		onePostEach(t, w, ids)
	})
}
