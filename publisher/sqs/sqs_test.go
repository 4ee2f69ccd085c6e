//go:build unix

package sqs_test

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"carrier/internal/testkit/awsenv"
	"carrier/internal/testkit/bufferedbody"
	"carrier/internal/testkit/sqstest"
	"carrier/internal/testkit/sqstest/fauxqs"
	"carrier/message"
	"carrier/publisher"
	"carrier/publisher/publishertest"
	publishersqs "carrier/publisher/sqs"
	receiversqs "carrier/receiver/sqs"
)

// TestMain runs the tests in an environment without any AWS configuration.
func TestMain(m *testing.M) {
	awsenv.Clear()
	flag.Parse()
	_ = flag.Set("test.parallel", "16") // most of the time is waited for an empty queue
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A queue is one of a server at endpoint; server is ours, nil for another's.
type queue struct {
	endpoint, name string
	server         *sqstest.Server
	stop           func()
}

// Stored receives and removes what the queue holds, as carrier's receiver gives it.
func (q queue) Stored(t *testing.T) []*message.Message {
	t.Helper()
	r := receiversqs.New(receiversqs.Options{QueueName: q.name, Endpoint: q.endpoint, WaitTime: time.Second})
	must(t, r.Open(t.Context()))
	var all []*message.Message
	for {
		batch, err := r.Receive(t.Context(), 10)
		must(t, err)
		if len(batch) == 0 {
			must(t, r.Close())
			return all
		}
		for _, m := range batch {
			must(t, r.Settle(t.Context(), m, message.Outcome{Verdict: message.Delivered}))
		}
		all = append(all, batch...)
	}
}

func open(t *testing.T, o publishersqs.Options) *publishersqs.Publisher {
	t.Helper()
	p := publishersqs.New(o)
	t.Cleanup(func() { must(t, p.Close()) })
	must(t, p.Open(t.Context()))
	return p
}

func TestQueueKeepsThePromises(t *testing.T) {
	for name, suffix := range map[string]string{"standard": "", "FIFO": ".fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			publishertest.Run(t, publishertest.Harness{
				Open: func(t *testing.T) (publisher.Publisher, publishertest.Queue) {
					s, endpoint, stop := serve(t)
					_, err := s.CreateQueue("q"+suffix, nil)
					must(t, err)
					return open(t, publishersqs.Options{QueueName: "q" + suffix, Endpoint: endpoint}), queue{endpoint, "q" + suffix, s, stop}
				},
				Faults: faults(), Bad: bad(), Trace: true, Group: true,
			})
		})
	}
}

// serve starts our own server; stop ends it before the test does.
func serve(t *testing.T) (s *sqstest.Server, endpoint string, stop func()) {
	t.Helper()
	s = sqstest.New(sqstest.Options{})
	endpoint, stop, err := s.Listen("127.0.0.1:0")
	must(t, err)
	t.Cleanup(stop)
	return s, endpoint, stop
}

func faults() map[publishertest.Fault]func(*testing.T, publishertest.Queue) {
	inject := func(f sqstest.Fault) func(*testing.T, publishertest.Queue) {
		return func(_ *testing.T, q publishertest.Queue) { q.(queue).server.Inject("SendMessageBatch", f) }
	}
	return map[publishertest.Fault]func(*testing.T, publishertest.Queue){
		publishertest.AnswerLost: inject(sqstest.Fault{Drop: sqstest.AfterWork}),
		publishertest.Throttled:  inject(sqstest.Fault{Error: sqstest.RequestThrottled()}),
		publishertest.PartlyRefused: inject(sqstest.Fault{Entry: func(index int, _ string) *sqstest.EntryFault {
			if index != 1 {
				return nil
			}
			return &sqstest.EntryFault{Code: "InternalError", Message: "try again"}
		}}),
		publishertest.Away: func(_ *testing.T, q publishertest.Queue) { q.(queue).stop() },
	}
}

func bad() map[string]message.Attribute {
	return map[string]message.Attribute{
		"no name": {Value: "v"}, "no value": {Name: "a"}, "a name of SQS's own": {Name: "AWS.x", Value: "v"},
		"a name with a blank": {Name: "a b", Value: "v"}, "a name with two dots": {Name: "a..b", Value: "v"},
		"a long name": {Name: strings.Repeat("n", 257), Value: "v"}, "a control character": {Name: "a", Value: "\x00"},
		"no text": {Name: "a", Value: "\xff"}, "the word of our own encoding": {Name: "Body.Encoding", Value: "base64"},
	}
}

// The promises, judged by a server that others have written.
func TestIndependentServersQueueKeepsThePromises(t *testing.T) {
	t.Parallel()
	endpoint := fauxqs.Start(t)
	for name, suffix := range map[string]string{"standard": "", "FIFO": ".fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var made atomic.Int32
			publishertest.Run(t, publishertest.Harness{
				Open: func(t *testing.T) (publisher.Publisher, publishertest.Queue) {
					name := fmt.Sprint("q", made.Add(1), suffix)
					return overFauxqs(t, endpoint, name)
				},
				Bad: bad(), Group: suffix != "", // it keeps neither a trace, nor a group on a standard queue
			})
		})
	}
}

func overFauxqs(t *testing.T, endpoint, name string) (publisher.Publisher, publishertest.Queue) {
	t.Helper()
	c := awssqs.New(awssqs.Options{
		BaseEndpoint: &endpoint, Region: "us-east-1", HTTPClient: bufferedbody.Client{HTTP: http.DefaultClient},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""),
	})
	in := &awssqs.CreateQueueInput{QueueName: &name}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes = map[string]string{"FifoQueue": "true"}
	}
	_, err := c.CreateQueue(t.Context(), in)
	must(t, err)
	return open(t, publishersqs.Options{QueueName: name, Endpoint: endpoint}), queue{endpoint: endpoint, name: name}
}
